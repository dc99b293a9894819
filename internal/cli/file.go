package cli

import (
	"fmt"
	"os"
	"path/filepath"
)

// pending is a file that is written beside its place, and put there when it is whole:
// who reads it meanwhile reads the one before.
type pending struct {
	*os.File
	path   string
	mode   os.FileMode
	placed bool
}

// create begins a file. It replaces plain files only: a rename onto /dev/null would
// put a file in its place.
func create(path string, mode os.FileMode) (*pending, error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, notPlain(path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".mailcheck-*") // mode 0600
	if err != nil {
		return nil, err
	}
	return &pending{File: f, path: path, mode: mode}, nil
}

// commit puts the file in its place.
func (p *pending) commit() error {
	if err := p.Chmod(p.mode); err != nil {
		return err
	}
	if err := p.Close(); err != nil {
		return err
	}
	if err := os.Rename(p.Name(), p.path); err != nil {
		return err
	}
	p.placed = true
	return nil
}

// discard removes a file that was not put in its place, and does nothing to one that was.
func (p *pending) discard() {
	if !p.placed {
		p.Close()
		os.Remove(p.Name())
	}
}

func notPlain(path string) error {
	return fmt.Errorf("%s is no plain file, and would be replaced by one", path)
}
