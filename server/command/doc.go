// Package command is the command line of parsec-server. There is a file for each command.
//
// An option is given on the command line, else in the environment as PARSEC_ and its name in capitals, else in the file of --config
// (TOML, the names of the options as keys), else it has its default. What can be given several times stands in the environment
// with white space between.
package command

//go:generate go run ../internal/gendocs ../../docs/server-cli ../../docs/server.example.toml
