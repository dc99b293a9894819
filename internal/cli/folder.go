package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/mailcheck-go/mailcheck"
	"github.com/mailcheck-go/mailcheck/account"
	"github.com/mailcheck-go/mailcheck/zendesk"
)

// accountFolder is where the facts of an account lie: account.json, and a file for
// each domain and host, that can be judged alone too. Each is read by itself, so that
// judging hundreds of them takes the memory of one. "" keeps nothing.
type accountFolder string

const accountFile = "account.json"

// folderOf has the folder of each kind of facts.
var folderOf = map[account.Kind]string{account.KindDomain: "domains", account.KindHost: "hosts", account.KindSender: "senders"}

func newAccountFolder(path string) (accountFolder, error) {
	switch {
	case path == "":
		return "", nil
	case path == "-":
		return "", errors.New("--save - : the report goes to standard output; name a folder")
	}
	for _, sub := range folderOf {
		if err := os.MkdirAll(filepath.Join(path, sub), 0o700); err != nil {
			return "", fmt.Errorf("--save: %w: an account is saved to a folder", err)
		}
	}
	return accountFolder(path), nil
}

func (f accountFolder) keepAccount(facts *zendesk.Facts) error {
	if f == "" {
		return nil
	}
	return saveFacts(filepath.Join(string(f), accountFile), facts)
}

func (f accountFolder) keep(kind account.Kind, facts *mailcheck.Facts) error {
	if f == "" {
		return nil
	}
	return saveFacts(f.file(kind, facts.Domain), facts)
}

func (f accountFolder) file(kind account.Kind, name string) string {
	return filepath.Join(string(f), folderOf[kind], fileName(strings.ToLower(name)))
}

// Domain, Host and Sender read facts back: an accountFolder is an account.Source.
func (f accountFolder) Domain(_ context.Context, d account.Domain) (*mailcheck.Facts, error) {
	return f.read(account.KindDomain, d.Name)
}

func (f accountFolder) Host(_ context.Context, h account.Host) (*mailcheck.Facts, error) {
	return f.read(account.KindHost, h.Name)
}

func (f accountFolder) Sender(_ context.Context, name string) (*mailcheck.Facts, error) {
	return f.read(account.KindSender, name)
}

func (f accountFolder) read(kind account.Kind, name string) (*mailcheck.Facts, error) {
	path := f.file(kind, name)
	in, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s", account.ErrAbsent, path)
	}
	if err != nil {
		return nil, err
	}
	defer in.Close()
	facts, err := mailcheck.ReadFacts(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if facts.Domain != strings.ToLower(name) {
		return nil, fmt.Errorf("%s: %w: they are of %s", path, mailcheck.ErrFacts, facts.Domain)
	}
	return facts, nil
}

// accountAt returns the folder of an account, if a path is one or its account.json.
func accountAt(path string) (accountFolder, bool) {
	if filepath.Base(path) == accountFile {
		return accountFolder(filepath.Dir(path)), true
	}
	info, err := os.Stat(filepath.Join(path, accountFile))
	return accountFolder(path), path != "-" && err == nil && info.Mode().IsRegular()
}

// readAccount reads account.json.
func (f accountFolder) readAccount() (*zendesk.Facts, error) {
	in, err := os.Open(filepath.Join(string(f), accountFile))
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return zendesk.ReadFacts(in)
}
