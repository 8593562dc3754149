// Package s3 keeps blocks in a bucket of an object store that speaks S3, as objects that
// have the names that the original gives them.
//
// That nothing is overwritten stands on conditional writes (If-None-Match: *). A store that
// does not have them is found out by Open, which logs it; then an object is looked for
// before it is written, and two who create one id at the same moment may both be told that
// they did. The server rules that out, for it reserves an id before it stores the block.
//
// Requests are tried again a few times and end after a minute.
package s3
