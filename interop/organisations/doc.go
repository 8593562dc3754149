// Package organisations plays whole organisations, and forgeries, to the reference's own server: a third opinion on what trust and its
// tests say. docs/forgeries.md has what the server says to each forgery.
package organisations
