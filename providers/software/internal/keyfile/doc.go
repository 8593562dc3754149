// Package keyfile encodes and decodes the key files of the software provider, both the
// compatible form, which is byte for byte the original's `.psa_its` file, and our
// encrypted form. Sizes, offsets and what the forms promise are in docs/formats/key-file.md.
//
// Decoders are strict: every field is checked, sizes are bounded by MaxSize, and what is
// accepted encodes to the same bytes again. Errors carry StatusDataCorrupt for bytes that
// are damaged or foreign and StatusDataInvalid for a whole file that is not the key of the row.
//
// The functions keep no state. Slices of secret bytes belong to the caller, who wipes them.
package keyfile
