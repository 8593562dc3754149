package ctl

import "github.com/seed-73b3884f/parsec-agent/internal/reference"

// Reference is what the documents of the command line say besides its commands.
var Reference = reference.About{Generator: "go generate ./ctl", Section: "1", Manual: "User Commands", First: `.SH ENVIRONMENT
.TP
.B PARSEC_SERVICE_ENDPOINT
The URL of the service's socket, such as unix:/run/parsec/parsec.sock.
.TP
.B XDG_RUNTIME_DIR
Where your own agent has its socket: parsec/parsec.sock below it.
.SH FILES
.TP
.I /run/parsec/parsec.sock
The socket of the system's service.
`}
