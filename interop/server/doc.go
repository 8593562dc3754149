// Package server compares our metadata server with the original one: the same requests go to both, and what they answer must be the
// same but for what the table of differences says. Its tests need the tag interop.
package server
