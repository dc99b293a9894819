package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/mailcheck-go/mailcheck/internal/idn"
	"github.com/mailcheck-go/mailcheck/report"
	"github.com/mailcheck-go/mailcheck/spf"
)

func (a *app) spfCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "spf",
		Short: "Look into SPF records: verdicts, faults, costs, senders",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.spfCheckCommand(), a.spfLintCommand(), a.spfTreeCommand(), a.spfSendersCommand(), a.spfFlattenCommand())
	return cmd
}

// spfCheckOptions are the flags of "spf check".
type spfCheckOptions struct {
	network
	writing
	ip, from, helo, receiver string
	trace                    bool
}

func (a *app) spfCheckCommand() *cobra.Command {
	var o spfCheckOptions
	cmd := &cobra.Command{
		Use:   "check --ip ADDR --from ADDRESS [--helo NAME]",
		Short: "Say whether a client may send for an address, as a receiver does",
		Long: `check evaluates the SPF record of the sender's domain for one client, as
receivers do (RFC 7208), and says which term decided, by way of which includes,
and what it cost. Without --from the name of --helo is checked, as for a message
with a null reverse-path.

Exit status: 0 pass, 1 any other result, 2 wrong usage, 3 temperror: a question
to the DNS failed.`,
		Example: `  mailcheck spf check --ip 192.0.2.7 --from user@acme.example
  mailcheck spf check --ip 2001:db8::7 --helo out.acme.example --trace
  mailcheck spf check --ip 192.0.2.7 --from acme.example --zone zones/ --offline
  mailcheck spf check --ip 192.0.2.7 --from user@acme.example --format json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.spfCheck(cmd.Context(), &o) },
	}
	o.network.flags(cmd)
	o.writing.flags(cmd, "the verdict", "text", "json")
	f := cmd.Flags()
	f.StringVar(&o.ip, "ip", "", "address of the client that sends the mail")
	f.StringVar(&o.from, "from", "", "the address of MAIL FROM, or its domain alone")
	f.StringVar(&o.helo, "helo", "", "the name that the client says in EHLO or HELO")
	f.StringVar(&o.receiver, "receiver", "", "the receiving host, for explanations that name it")
	f.BoolVar(&o.trace, "trace", false, "show every term that was evaluated")
	const patience = 20 * time.Second // RFC 7208, 4.6.4: at least
	o.timeout, f.Lookup("timeout").DefValue = patience, patience.String()
	return cmd
}

func (a *app) spfCheck(ctx context.Context, o *spfCheckOptions) error {
	s, err := o.session()
	if err != nil {
		return err
	}
	s.Time = a.Now()
	d, err := a.begin(&o.writing)
	if err != nil {
		return err
	}
	src, err := a.source(&o.network)
	if err != nil {
		return err
	}
	domain := cmp.Or(s.MailFrom, s.Helo)
	name, _, notName := idn.Domain(domain[strings.LastIndexByte(domain, '@')+1:])
	asks := notName == nil && strings.Contains(name, ".") // else the verdict says what it is (RFC 7208, 4.3)
	if asks {
		if err := src.knows(name); err != nil {
			return err
		}
	}
	checker := spf.Checker{Budget: o.timeout}
	v, err := checker.CheckHost(ctx, src.Resolver, s)
	if err != nil {
		return err
	}
	if v.Result == spf.TempError && asks {
		a.notes(src, name)
	}
	if o.format == "json" {
		if v.Path == nil {
			v.Path = []spf.Step{} // a list for every reader, be it empty
		}
		err = a.putJSON(&o.writing, verdictDocument{verdictSchema, v})
	} else {
		drawVerdict(d, s, &v)
		err = a.put(&o.writing, d.String())
	}
	if err != nil {
		return err
	}
	return verdictStatus(v.Result)
}

// verdictStatus is the exit status for a result.
func verdictStatus(r spf.Result) error {
	switch r {
	case spf.Pass:
		return nil
	case spf.TempError:
		return exitStatus(NotKnown)
	}
	return exitStatus(Found)
}

// verdictDocument is the JSON of "spf check".
type verdictDocument struct {
	Schema string `json:"schema"`
	spf.Verdict
}

const verdictSchema = "mailcheck/spf-check/v1"

// session reads the flags that describe a message.
func (o *spfCheckOptions) session() (spf.Session, error) {
	switch {
	case o.ip == "":
		return spf.Session{}, errors.New("--ip: name the address of the client, such as --ip 192.0.2.7")
	case o.from == "" && o.helo == "":
		return spf.Session{}, errors.New("name whom the mail is from, with --from user@acme.example or --helo out.acme.example")
	}
	ip, err := netip.ParseAddr(strings.Trim(o.ip, "[]"))
	if err != nil {
		return spf.Session{}, fmt.Errorf("--ip: %q is no IP address", o.ip)
	}
	if ip.Zone() != "" {
		return spf.Session{}, fmt.Errorf("--ip: %q has a zone (%%%s), which means something on one machine alone: leave it out", o.ip, ip.Zone())
	}
	if err := smtpArgument("--from", "user@acme.example", o.from); err != nil {
		return spf.Session{}, err
	}
	if err := smtpArgument("--helo", "out.acme.example", o.helo); err != nil {
		return spf.Session{}, err
	}
	return spf.Session{IP: ip, MailFrom: o.from, Helo: o.helo, Receiver: o.receiver, Trace: o.trace}, nil
}

// smtpArgument refuses what stands in no SMTP command as a reverse-path or a host (RFC
// 5321, 4.1.2), so that a command or a header that was pasted is not taken for one; what a
// client may well say, be it no domain that SPF is about, is judged (RFC 7208, 4.3).
func smtpArgument(flag, want, s string) error {
	fail := func(at int, reason string) error {
		return fmt.Errorf("%s: %q, character %d: %s; want %s", flag, short(s), 1+utf8.RuneCountInString(s[:at]), reason, want)
	}
	for _, command := range []string{"MAIL FROM:", "FROM:", "EHLO ", "HELO "} {
		if len(s) >= len(command) && strings.EqualFold(s[:len(command)], command) {
			return fail(0, "this is a command or a header")
		}
	}
	from, to := 0, len(s)
	if strings.HasPrefix(s, "<") && strings.HasSuffix(s, ">") {
		from, to = 1, len(s)-1
	}
	quoted := false
	for i := from; i < to; i++ {
		switch c := s[i]; {
		case c == '\\' && quoted:
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c <= ' ' || c == 0x7f:
			return fail(i, "a blank may not stand there without quotes")
		case c == '<' || c == '>':
			return fail(i, "an angle bracket may stand around the whole alone")
		}
	}
	return nil
}

// drawVerdict writes a verdict for people.
func drawVerdict(d *drawing, s spf.Session, v *spf.Verdict) {
	wide := 0
	for _, label := range verdictLabels {
		wide = max(wide, report.Columns(d.label(label)))
	}
	line := func(label, format string, args ...any) {
		d.para("  "+report.Pad(d.label(label), wide)+"  ", wide+4, "", d.say(format, args...))
	}
	domain := v.Domain
	if domain == "" {
		domain = d.say("the domain")
	}
	result := string(v.Result)
	d.para(d.ink(inkOfResult(v.Result), result)+"  ", len(result)+2, "", d.say(resultText[v.Result], s.IP.String(), domain))
	drawWay(line, v)
	switch p := v.Problem; {
	case p == nil:
	case p.Term == "":
		line("problem", "%s", p.Reason)
	default:
		line("problem", "%s in the record of %s: %s", short(p.Term), p.Name, p.Reason)
	}
	if v.Explanation != "" {
		line("explanation", "%s explains: %s", v.Domain, v.Explanation)
	}
	line("cost", "%d of %d lookups, %d of %d void", v.Lookups, spf.MaxLookups, v.Voids, spf.MaxVoids)
	drawTrace(d, v.Trace)
}

// drawWay writes the terms that led to the verdict.
func drawWay(line func(label, format string, args ...any), v *spf.Verdict) {
	seen, again := map[spf.Step]bool{}, 0 // a loop goes on until the limit stops it
	for i, step := range v.Path {
		if i < len(v.Path)-1 && seen[step] {
			again++
			continue
		}
		if seen[step] = true; again > 0 {
			line("by way of", "the same again (%d)", again)
			again = 0
		}
		switch {
		case i < len(v.Path)-1:
			line("by way of", "%s in the record of %s", step.Term, step.Name)
		case v.Mechanism != "":
			line("decided by", "%s in the record of %s", step.Term, step.Name)
		case v.Problem == nil:
			line("decided by", "nothing in the record of %s, which has no all", step.Name)
		}
	}
	if again > 0 {
		line("by way of", "the same again (%d)", again)
	}
}

// drawTrace writes every term that was evaluated.
func drawTrace(d *drawing, trace []spf.Event) {
	if len(trace) > 0 {
		d.WriteString("\n" + d.ink(dimInk, d.label("lookups void outcome    term")) + "\n")
	}
	for _, e := range trace {
		indent := min(2*e.Depth, 20)
		lead := fmt.Sprintf("%7d %4d %-9s  %s", e.Lookups, e.Voids, e.Outcome, strings.Repeat(" ", indent))
		in := d.fit("("+e.Name+")", d.width/3)
		room := d.width - 24 - indent - 1 - report.Columns(in)
		d.WriteString(lead + d.fit(e.Term, room) + " " + d.ink(dimInk, in) + "\n")
	}
}

// verdictLabels are those of the lines below a verdict.
var verdictLabels = []string{"by way of", "decided by", "problem", "explanation", "cost"}

func inkOfResult(r spf.Result) string {
	switch r {
	case spf.Pass:
		return greenInk
	case spf.Fail, spf.PermError:
		return redInk
	case spf.TempError:
		return magentaInk
	}
	return yellowInk
}

// resultText says what each result means (RFC 7208, 2.6).
var resultText = map[spf.Result]string{
	spf.Pass:      "%s may send for %s",
	spf.Fail:      "%s may not send for %s",
	spf.SoftFail:  "%s probably may not send for %s",
	spf.Neutral:   "whether %s may send is something %s does not say",
	spf.None:      "whether %s may send for %s is not published",
	spf.PermError: "whether %s may send for %s cannot be told: what is published is in error",
	spf.TempError: "whether %s may send for %s could not be found out now",
}
