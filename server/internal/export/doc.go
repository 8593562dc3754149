// Package export writes what a realm had at a moment into a file of SQLite, in the form of the original server (docs/formats/realm-export.md): certificates,
// keys bundles, versions of vlobs, blocks. All of that stays encrypted; a sequester service, or a member, opens it.
//
// An export that was interrupted goes on where it was: each step notes in the file that it is done.
package export
