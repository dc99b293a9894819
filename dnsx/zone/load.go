package zone

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The limits of the package doc.
const (
	maxMaster  = 64 << 20 // octets
	maxYAML    = 8 << 20
	maxOctets  = 256 << 20 // of all files
	maxData    = 256 << 20 // octets of RDATA
	maxFiles   = 10_000
	maxRecords = 2_000_000
	maxDepth   = 8  // of includes
	maxErrors  = 10 // in one error
)

// budget counts what one Load has read.
type budget struct {
	files, records int
	octets, data   int64
}

func (b *budget) file(data []byte) error {
	b.files++
	b.octets += int64(len(data))
	switch {
	case len(data) > maxMaster:
		return fmt.Errorf("over %d MiB", maxMaster>>20)
	case b.files > maxFiles:
		return fmt.Errorf("over %d files", maxFiles)
	case b.octets > maxOctets:
		return fmt.Errorf("over %d MiB in all files", maxOctets>>20)
	}
	return nil
}

func (b *budget) record(octets int) error {
	b.records++
	b.data += int64(octets)
	switch {
	case b.records > maxRecords:
		return fmt.Errorf("over %d records in all files", maxRecords)
	case b.data > maxData:
		return fmt.Errorf("over %d MiB of data in all records", maxData>>20)
	}
	return nil
}

// Load reads files, and of folders the zone files in them. Its error joins what
// is wrong with each file, up to ten: a *SyntaxError, or an error of the file
// system.
func Load(paths ...string) (*Zones, error) {
	l := loader{b: &budget{}, seen: map[string]int{}, included: map[string]bool{}}
	for _, path := range paths {
		if err := l.path(filepath.Clean(path)); err != nil {
			return nil, err
		}
	}
	var files []*file
	var errs []error
	for _, it := range l.items {
		switch {
		case !it.named && l.included[it.path]: // it is a part of another one
		case it.err != nil:
			errs = append(errs, it.err)
		case it.file.skip != "" && it.named:
			errs = append(errs, &SyntaxError{File: it.path, Reason: it.file.skip})
		default:
			files = append(files, it.file)
		}
	}
	if err := join(errs); err != nil {
		return nil, err
	}
	return build(files)
}

type loader struct {
	b        *budget
	items    []item
	seen     map[string]int  // path to index
	included map[string]bool // paths
}

// item is one file of a Load, and what came of it.
type item struct {
	path  string
	named bool // by the caller
	file  *file
	err   error
}

// path reads what stands at a path that the caller named.
func (l *loader) path(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("zone: %w", err)
	}
	if !info.IsDir() {
		l.read(path, true)
		return nil
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("zone: %w", err)
	}
	found := false
	for _, e := range entries {
		if !e.IsDir() && zoneFile(e.Name()) {
			found = l.read(filepath.Join(path, e.Name()), false) || found
		}
	}
	if !found {
		return &SyntaxError{File: path, Reason: "no zone file in this folder: want names like *.zone, *.db, db.*, *.yaml or *.yml"}
	}
	return nil
}

// zoneFile reports whether a file in a folder is taken for a zone by its name.
func zoneFile(name string) bool {
	if name[0] == '.' {
		return false
	}
	switch ext := filepath.Ext(name); {
	case isYAML(name):
		return strings.Count(name, ".") > 1 // as octoDNS has it: octodns.yaml is none
	case ext == ".zone" || ext == ".db":
		return true
	case slices.Contains([]string{".jnl", ".jbk", ".bak", ".signed"}, ext) || strings.HasSuffix(name, "~"):
		return false
	}
	return strings.HasPrefix(name, "db.")
}

// read reads one file, and reports whether it is meant to be a zone.
func (l *loader) read(path string, named bool) bool {
	i, ok := l.seen[path] // the file, and its folder too
	if !ok {
		i = len(l.items)
		l.seen[path] = i
		it := item{path: path}
		it.file, it.err = l.parse(path, named)
		if it.file != nil {
			for p := range it.file.included {
				l.included[p] = true
			}
		}
		l.items = append(l.items, it)
	}
	it := &l.items[i]
	it.named = it.named || named
	return it.err != nil || it.file.skip == ""
}

func (l *loader) parse(path string, named bool) (*file, error) {
	dir := &folder{path: filepath.Dir(path)}
	defer dir.close()
	var data []byte
	var err error
	if named {
		data, err = readFile(path, l.b)
	} else {
		data, err = dir.read(filepath.Base(path), l.b)
	}
	if err != nil {
		return nil, located(err, path, 0)
	}
	return parse(path, data, dir, l.b)
}

// readFile reads what the caller named, which may be a pipe.
func readFile(path string, b *budget) ([]byte, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, bare(err)
	}
	defer r.Close()
	return readAll(r, b)
}

// bare takes an error of the file system out of the path that it names.
func bare(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}

// readAll reads a file within the limits.
func readAll(r io.Reader, b *budget) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, maxMaster+1))
	if err != nil {
		return nil, err
	}
	return data, b.file(data)
}

// parse reads one file in memory.
func parse(path string, data []byte, dir *folder, b *budget) (*file, error) {
	f := &file{path: path, included: map[string]bool{}}
	read := parseMaster
	if isYAML(path) {
		read = parseOctoDNS
	}
	return f, read(f, data, dir, b)
}

func isYAML(path string) bool {
	ext := strings.ToLower(filepath.Ext(path))
	return ext == ".yaml" || ext == ".yml"
}

// folder is where files may lie that the caller did not name.
type folder struct {
	path string
	root *os.Root
}

func (d *folder) close() {
	if d.root != nil {
		d.root.Close()
	}
}

// locate makes a path in the folder of what the file there called from includes.
func (d *folder) locate(from, target string) (string, error) {
	if !filepath.IsAbs(target) {
		return filepath.Join(filepath.Dir(from), target), nil
	}
	abs, err := filepath.Abs(d.path)
	if err != nil {
		return "", err
	}
	return filepath.Rel(abs, target)
}

// read reads a file in the folder. os.Root keeps links and dots from leading out
// of it.
func (d *folder) read(name string, b *budget) ([]byte, error) {
	if d.root == nil {
		root, err := os.OpenRoot(d.path)
		if err != nil {
			return nil, err
		}
		d.root = root
	}
	info, err := d.root.Stat(name)
	if err != nil {
		return nil, bare(err)
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("no regular file")
	}
	r, err := d.root.Open(name)
	if err != nil {
		return nil, bare(err)
	}
	defer r.Close()
	return readAll(r, b)
}
