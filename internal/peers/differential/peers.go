package main

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"time"

	blitiri "blitiri.com.ar/go/spf"

	"github.com/mailcheck-go/mailcheck/spf"
)

// said is what somebody makes of a session.
type said struct {
	Result      string `json:"result"` // as RFC 7208, 2.6 has them; or exception, or timeout
	Reason      string `json:"reason"`
	Explanation string `json:"explanation"` // "DEFAULT" where there is none of the domain
}

const (
	exception = "exception" // it ended with an error of its own
	timeout   = "timeout"   // it did not end
)

// patience is how long anybody may think about one case. With a server on loopback
// that answers everything at once nobody has to; a machine with other things to do may
// let them wait, which may not become a temperror. So all ask again for as long.
const patience = 5 * time.Minute

// patient is CheckHost with it.
var patient = &spf.Checker{Budget: patience}

var (
	//go:embed pyspf.py
	pyspfSource string
	//go:embed mailspf.pl
	mailspfSource string
)

// peer is another implementation.
type peer interface {
	ask(s session) said
	close()
}

// program is a peer with an interpreter.
type program struct {
	name, pkg string
	command   []string // its arguments: how it tries its parts, or runs
	try       []string
}

var programs = []program{
	{"pyspf", "python3-spf and python3-dnspython", []string{"/usr/bin/python3", "-c", pyspfSource}, []string{"/usr/bin/python3", "-c", "import spf, dns.resolver"}},
	{"Mail::SPF", "libmail-spf-perl", []string{"perl", "-e", mailspfSource}, []string{"perl", "-MMail::SPF", "-MJSON::PP", "-e", "1"}},
}

const goPeer = "blitiri" // blitiri.com.ar/go/spf, which is always there

func (p *program) installed() bool { return exec.Command(p.try[0], p.try[1:]...).Run() == nil }

// worker is a program that answers lines with lines.
type worker struct {
	program program
	server  netip.AddrPort
	cmd     *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
}

func (w *worker) start() error {
	w.cmd = exec.Command(w.program.command[0], append(w.program.command[1:], strconv.Itoa(int(w.server.Port())))...)
	var err error
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	w.out = bufio.NewScanner(out)
	w.out.Buffer(nil, 1<<20)
	return w.cmd.Start()
}

func (w *worker) ask(s session) said {
	if w.cmd == nil {
		if err := w.start(); err != nil {
			return said{Result: exception, Reason: err.Error()}
		}
	}
	end := time.AfterFunc(patience, func() { _ = w.cmd.Process.Kill() })
	defer end.Stop()
	line, err := json.Marshal(s)
	if err != nil {
		return said{Result: exception, Reason: err.Error()}
	}
	_, _ = w.in.Write(append(line, '\n'))
	var x said
	if !w.out.Scan() {
		timely := end.Stop()
		w.close()
		if timely {
			return said{Result: exception, Reason: "the program ended"}
		}
		return said{Result: timeout}
	}
	if err := json.Unmarshal(w.out.Bytes(), &x); err != nil {
		return said{Result: exception, Reason: err.Error()}
	}
	return x
}

func (w *worker) close() {
	if w.cmd != nil {
		w.in.Close()
		_ = w.cmd.Process.Kill()
		_ = w.cmd.Wait()
		w.cmd = nil
	}
}

// goWorker is blitiri.com.ar/go/spf over the resolver of package net.
type goWorker struct{ resolver absolute }

func newGoWorker(server netip.AddrPort) goWorker {
	return goWorker{absolute{&net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, server.String())
	}}}}
}

func (g goWorker) close() {}

func (g goWorker) ask(s session) (x said) {
	defer func() {
		if p := recover(); p != nil {
			x = said{Result: exception, Reason: fmt.Sprint(p)}
		}
	}()
	sender := s.Sender
	if sender != "" && !strings.Contains(sender, "@") {
		sender = "@" + sender // its way to say that there is a domain alone
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	result, err := blitiri.CheckHostWithSender(net.ParseIP(s.IP), s.Helo, sender, blitiri.WithResolver(g.resolver), blitiri.WithContext(ctx))
	return said{Result: string(result), Reason: fmt.Sprint(err)}
}

// absolute keeps the search list of this machine out of names.
type absolute struct{ *net.Resolver }

func dotted(name string) string { return strings.TrimSuffix(name, ".") + "." }

func (a absolute) LookupTXT(ctx context.Context, name string) ([]string, error) {
	return insist(ctx, name, a.Resolver.LookupTXT)
}

func (a absolute) LookupMX(ctx context.Context, name string) ([]*net.MX, error) {
	return insist(ctx, name, a.Resolver.LookupMX)
}

func (a absolute) LookupIPAddr(ctx context.Context, name string) ([]net.IPAddr, error) {
	return insist(ctx, name, a.Resolver.LookupIPAddr)
}

func (a absolute) LookupAddr(ctx context.Context, addr string) ([]string, error) {
	return insist(ctx, addr, a.Resolver.LookupAddr)
}

// insist asks again where there was no answer in time.
func insist[T any](ctx context.Context, name string, ask func(context.Context, string) (T, error)) (T, error) {
	if net.ParseIP(name) == nil {
		name = dotted(name)
	}
	for {
		v, err := ask(ctx, name)
		var e *net.DNSError
		if !errors.As(err, &e) || !e.IsTimeout || ctx.Err() != nil {
			return v, err
		}
	}
}
