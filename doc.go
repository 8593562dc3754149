// Package house has the tests that look after the project as a whole: its rooms and what they may import, its documents, its packages, and that it stands alone.
package house
