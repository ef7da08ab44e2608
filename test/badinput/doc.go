// Package badinput gives the real binary what is wrong (scripts, flags, files,
// folders) and checks what a user sees: the exit status, one clear line on standard
// error that names the place, and nothing on standard output but results.
//
// Exit statuses: 0 done, 1 a job failed, 2 the script or the flags are wrong.
package badinput
