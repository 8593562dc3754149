// Package ordeal puts parsec-server through what servers go through: several processes on one database that are killed under load, databases and
// object stores that go away and come back, floods, slow and idle peers, very many listeners. It has tests only, of programs as they are
// installed.
package ordeal
