// Package tokentest gives tests a real token and what can go wrong with one: SoftHSM2 with
// a token directory of its own, the helper built from the tree, and a library that stands
// between both and misbehaves when told to (Shim).
package tokentest
