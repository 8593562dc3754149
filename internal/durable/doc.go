// Package durable writes files into one directory so that a crash at any
// instruction, a full disk or a directory that is not writable leaves each name as it was
// or with its whole new content. The steps are in docs/formats/key-file.md, "Writing".
//
// Names are plain file names without a separator; links are never followed. Errors are
// *fs.PathError with the full path and an errno.
//
// A Dir may be used concurrently. It does not order writers of the same name.
package durable
