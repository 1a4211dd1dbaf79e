package command

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/libs/job"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/tools/heph/ledger"
	"github.com/webordinary/hephaestus/tools/heph/screen"
	"github.com/webordinary/hephaestus/tools/stack"
)

// lost are the mails that end with a stack in memory: they have no outcome, or were not even read.
type lost struct {
	Event   string   `json:"event"`
	AtWork  int      `json:"atWork"`  // a worker had begun
	Waiting int      `json:"waiting"` // none had
	Unread  int      `json:"unread"`  // they have no row yet
	Mails   []string `json:"mails"`   // the oldest of them: message ids, or else names in the bucket
}

// mostNamed is how many mails are named.
const mostNamed = 20

func (l lost) count() int { return l.AtWork + l.Waiting + l.Unread }

// whatIsLost looks at a stack whose workers have stopped.
func whatIsLost(ctx context.Context, call client.Call, names awsx.Names) (lost, error) {
	l := lost{Event: "lost", Mails: []string{}}
	jobs, err := ledger.New(client.NewDynamoDB(call), names).Jobs(ctx, "", math.MaxInt)
	if err != nil {
		return l, err
	}
	known := map[string]bool{} // objects that have a row
	for i := range jobs.Rows {
		j := jobs.Rows[len(jobs.Rows)-1-i]
		if j.Raw != nil {
			known[j.Raw.Key] = true
		}
		if j.Outcome != "" {
			continue
		}
		l.Mails = append(l.Mails, j.MessageID)
		if j.StartedAtMillis != 0 {
			l.AtWork++
		} else {
			l.Waiting++
		}
	}
	objects := &s3.ListObjectsV2Input{Bucket: aws.String(names.Emails()), Prefix: aws.String(job.EmailFolder)}
	for {
		page, err := client.NewS3(call).ListObjectsV2(ctx, objects)
		if err != nil {
			return l, fmt.Errorf("look for mail that was not read: %w", err)
		}
		for _, object := range page.Contents {
			if key := aws.ToString(object.Key); !known[key] {
				l.Unread++
				l.Mails = append(l.Mails, strings.TrimPrefix(key, job.EmailFolder))
			}
		}
		if objects.ContinuationToken = page.NextContinuationToken; !aws.ToBool(page.IsTruncated) {
			break
		}
	}
	l.Mails = l.Mails[:min(len(l.Mails), mostNamed)]
	return l, nil
}

// lastWords names the mails that end with a stack that has stopped, if there are any.
func (d *development) lastWords(ctx context.Context, s *screen.Screen, stopped *stack.Stack) error {
	l, err := whatIsLost(ctx, stopped.Call, stopped.Names())
	if err != nil || l.count() == 0 {
		return err
	}
	if !s.Terminal() {
		encoder := json.NewEncoder(d.Err)
		encoder.SetEscapeHTML(false)
		return encoder.Encode(l)
	}
	l.tell(s)
	return nil
}

// tell names the mails for people.
func (l lost) tell(s *screen.Screen) {
	s.Printf("%s %d at work, %d waiting, %d not read: their data was in memory. Send them again:\n  %s",
		s.Paint(screen.Yellow, "Mail without an outcome is gone:"), l.AtWork, l.Waiting, l.Unread, screen.Clean(strings.Join(l.Mails, " ")))
	if more := l.count() - len(l.Mails); more > 0 {
		s.Printf(" and %d more", more)
	}
	s.Printf("\n")
}
