package stack

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/webordinary/hephaestus/sim/aws/sqscore"
)

// queued is a message on a queue, as the stack shows it.
type queued struct {
	MessageID    string    `json:"messageId"`
	Body         string    `json:"body"`
	GroupID      string    `json:"groupId,omitempty"`
	SentAt       time.Time `json:"sentAt"`
	ReceiveCount int       `json:"receiveCount"`
	State        string    `json:"state"` // visible, in flight, delayed
}

// system serves what AWS has no call for, under /_heph/.
func (s *Stack) system() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_heph/queues/{name}", func(w http.ResponseWriter, req *http.Request) {
		var messages []sqscore.Message
		if err := s.runtime.locked("sqs Peek", func() { messages = s.runtime.cloud.SQS.Peek(req.PathValue("name")) }); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		list := make([]queued, 0, len(messages))
		for _, m := range messages {
			list = append(list, queued{
				MessageID: m.ID, Body: m.Body, GroupID: m.GroupID, SentAt: m.SentAt, ReceiveCount: m.ReceiveCount, State: string(m.State),
			})
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(list) // a client that went away needs no answer
	})
	return mux
}
