// Package arch holds the rules of this repository as tests: which folder may import
// which, who may ask the clock, that every package says what it is for, and that the
// folders are in docs/ARCHITECTURE.md.
package arch
