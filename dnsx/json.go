package dnsx

import "encoding/json"

// replyJSON has a Reply without saying the question twice.
type replyJSON struct {
	Question *Question `json:"question,omitempty"`
	Answer   *Answer   `json:"answer,omitempty"`
	Failure  *Failure  `json:"failure,omitempty"`
}

// MarshalJSON writes the answer or the failure; of a question that was not asked,
// the question.
func (r Reply) MarshalJSON() ([]byte, error) {
	j := replyJSON{Answer: r.Answer, Failure: r.Failure}
	if r.Answer == nil && r.Failure == nil || r.Answer != nil && r.Answer.Question != r.Question ||
		r.Failure != nil && r.Failure.Question != r.Question {
		j.Question = &r.Question
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads it back.
func (r *Reply) UnmarshalJSON(b []byte) error {
	var j replyJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*r = Reply{Answer: j.Answer, Failure: j.Failure}
	switch {
	case j.Question != nil:
		r.Question = *j.Question
	case j.Answer != nil:
		r.Question = j.Answer.Question
	case j.Failure != nil:
		r.Question = j.Failure.Question
	}
	return nil
}
