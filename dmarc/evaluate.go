package dmarc

import "github.com/mailcheck-go/mailcheck/dnsx"

// Result is a result word of DMARC (RFC 9989, 9.2; RFC 8601, 2.7).
type Result string

// The results of an evaluation.
const (
	ResultNone      Result = "none"      // no record applies
	ResultPass      Result = "pass"      // an authenticated domain is aligned
	ResultFail      Result = "fail"      // none is
	ResultTempError Result = "temperror" // an answer that matters is missing
	ResultPermError Result = "permerror" // the record that applies cannot be used
)

// Identifier is a domain that SPF or DKIM looked at.
type Identifier struct {
	Domain string // of MAIL FROM, or the d= of a signature
	Result string // the word of SPF or DKIM (RFC 8601, 2.7): only pass authenticates
	// Analysis is of Domain: its tree walk. Discover with Options.WalkOnly has all
	// that it takes. It may be nil for the Author Domain, and counts as an answer
	// that is missing for any other.
	Analysis *Analysis
}

// Evaluation is what is known of one message.
type Evaluation struct {
	Author *Analysis    // of the Author Domain: the one in the From line
	SPF    Identifier   // MAIL FROM; for a null path the HELO name (RFC 9989, 3.2.4); the zero value for none
	DKIM   []Identifier // one for each signature
}

// Verdict is what becomes of a message at receivers of both generations.
type Verdict struct {
	New, Old Outcome
}

// Outcome is what receivers of one generation make of a message.
type Outcome struct {
	Result      Result
	Aligned     []string // the authenticated domains that are aligned
	Disposition Share    // what the domain asks for; None for a message that passes, not known with a temperror
}

// Evaluate works out DMARC's result for one message (RFC 9989, 5.3; RFC 7489,
// 6.6.2). Of a tag that occurs twice the first counts. The disposition is what
// the Domain Owner asks for; no receiver has to follow it, and none may reject
// for it alone (RFC 9989, 7.4).
func Evaluate(e Evaluation) Verdict {
	if e.Author == nil {
		e.Author = Analyze(nil)
	}
	return Verdict{New: e.outcome(&e.Author.New), Old: e.outcome(&e.Author.Old)}
}

func (e Evaluation) outcome(g *Generation) Outcome {
	none := Share{Policy: None, Percent: 100}
	switch {
	case !g.ownerKnown:
		return Outcome{Result: ResultTempError}
	case g.node == nil:
		return Outcome{Result: ResultNone, Disposition: none}
	case g.Domain.Policy == Off:
		return Outcome{Result: ResultPermError, Disposition: none}
	}
	var aligned []string
	open := false // another answer could make it pass
	look := func(id Identifier, mode Alignment) {
		if id.Domain == "" {
			return
		}
		near, known := e.aligned(g, id, mode)
		switch {
		case id.Result == "pass" && near && known:
			aligned = append(aligned, id.Domain)
		case (id.Result == "pass" || id.Result == "temperror") && (near || !known):
			open = true
		}
	}
	look(e.SPF, g.Record.ASPF)
	for _, id := range e.DKIM {
		look(id, g.Record.ADKIM)
	}
	switch {
	case len(aligned) > 0:
		return Outcome{Result: ResultPass, Aligned: aligned, Disposition: none}
	case open:
		return Outcome{Result: ResultTempError}
	}
	disposition := g.Domain
	disposition.Void = false
	return Outcome{Result: ResultFail, Disposition: disposition}
}

// aligned reports whether a domain is aligned with the Author Domain (RFC 9989,
// 4.4 and 4.10.2; RFC 7489, 3.1), and whether that is known.
func (e Evaluation) aligned(g *Generation, id Identifier, mode Alignment) (near, known bool) {
	domain, err := dnsx.ParseName(id.Domain)
	switch {
	case err != nil:
		return false, true
	case domain == e.Author.Domain:
		return true, true
	case mode == Strict:
		return false, true
	case g == &e.Author.Old:
		return pslDomain(domain) == g.OrganizationalDomain, true
	case id.Analysis == nil || id.Analysis.Domain != domain:
		return false, false
	}
	theirs := id.Analysis.New.OrganizationalDomain
	return theirs == g.OrganizationalDomain, theirs != "" && g.OrganizationalDomain != ""
}
