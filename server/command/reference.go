package command

import "github.com/seed-73b3884f/parsec-agent/internal/reference"

// Reference is what the documents of the command line say besides its commands.
var Reference = reference.About{Generator: "go generate ./server/command", Section: "8", Manual: "System management", First: `.SH ENVIRONMENT
Every option is also a variable: PARSEC_ and its name in capitals, with underscores for hyphens.
.TP
.B PARSEC_CMD_ARGS
More words for the command line.
.SH FILES
.TP
.I /etc/parsec-server/config.toml
The options of the server, for root and for the service; all commands read it.
.TP
.I /usr/share/doc/parsec-server/examples/server.example.toml
All options with their defaults, to begin one from.
.TP
.I /var/lib/parsec-server
What the server keeps: its database, blocks, key and administration token.
`}
