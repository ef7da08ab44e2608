module github.com/millrace-io/millrace

go 1.26

toolchain go1.26.8
