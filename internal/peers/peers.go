// Package peers holds tests that need other people's modules. It is a module of
// its own, so that none of them reaches whoever imports mailcheck.
package peers
