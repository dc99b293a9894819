package zendesk

import "testing"

// What Lines says decides a rule is what does.
func TestHow(t *testing.T) {
	how := map[string]How{}
	for _, l := range lines {
		how[l.Rule] = l.How
	}
	for _, r := range rules(Settings{}.withDefaults()) {
		if r.how() != how[r.ID] {
			t.Errorf("%s is %s, and the list says %s", r.ID, r.how(), how[r.ID])
		}
		if (r.reviewed == nil) != (len(r.reviews) == 0) || r.reviewed != nil && r.question == "" {
			t.Errorf("%s: what is reviewed, where it is from and the question belong together", r.ID)
		}
	}
}
