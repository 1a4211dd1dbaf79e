package world

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/webordinary/hephaestus/libs/awsx"
	"github.com/webordinary/hephaestus/sim/world/choose"
	"github.com/webordinary/hephaestus/sim/world/fault"
)

// ready lists the items whose time has come and that are not stale, in a fixed order.
func (s *stage) ready() []*item {
	ready := s.world.agenda.due(s.world.now)
	slices.SortFunc(ready, func(a, b *item) int { return strings.Compare(a.move(), b.move()) })
	return ready
}

// moves lists all that may happen now: a call, alone or with a fault; time that passes; what has
// come due.
func (s *stage) moves() []stageMove {
	var moves []stageMove
	for _, i := range s.ready() {
		m := choose.Move{Name: i.move(), Touches: i.touches()}
		moves = append(moves, stageMove{Move: m, item: i, fault: none, act: -1})
		if i.by == nil || i.request == nil || s.struck == s.Budget {
			continue
		}
		for _, f := range s.Faults {
			if !possible(f, *i.request) {
				continue
			}
			faulty := choose.Move{Name: m.Name + ", " + f.String(), Touches: slices.Concat(m.Touches, []choose.Touch{{Object: "budget", Writes: true}})}
			moves = append(moves, stageMove{Move: faulty, item: i, fault: f, act: -1})
		}
	}
	for i, a := range s.Acts {
		if a.Passes > 0 && !s.begun[i] {
			moves = append(moves, stageMove{Move: choose.Move{Name: a.Name, Global: true}, act: i, fault: none})
			break // these acts happen in their order
		}
	}
	if due, ok := s.world.cloud.NextDeadline(); ok && !due.After(s.world.now) {
		moves = append(moves, stageMove{Move: choose.Move{Name: "what has come due", Global: true}, act: -1, fault: none})
	}
	return moves
}

// possible says whether the fault can strike at a call, and would make a difference there.
func possible(f fault.Kind, r request) bool {
	reads := strings.HasPrefix(r.operation, "Get") || r.operation == "ReceiveMessage"
	switch f {
	case fault.CrashBefore:
		return true
	case fault.Throttle:
		return r.service == "dynamodb"
	case fault.RequestLost:
		return r.operation != "ReceiveMessage"
	}
	return !reads // a read without its answer makes no difference, however late it is made
}

// move is the item's name: the same move has the same name in every run.
func (i *item) move() string {
	if i.by == nil {
		return i.what
	}
	return fmt.Sprintf("%s %d: %s", i.by.name, i.by.requests, i.what)
}

// touches is what a move touches: its actor, and what its call reads and writes. A worker's move
// also touches the commands: its next steps may begin or end one, and the oracles compare all that
// run.
func (i *item) touches() []choose.Touch {
	var touches []choose.Touch
	if i.by != nil {
		touches = append(touches, choose.Touch{Object: i.by.name, Writes: true})
		if i.by.kind == workerKind {
			touches = append(touches, choose.Touch{Object: commands, Writes: true})
		}
	}
	if i.request == nil {
		return append(touches, choose.Touch{Object: everyClaim}, choose.Touch{Object: commands, Writes: true})
	}
	return append(touches, i.request.touches()...)
}

// The objects that are not a row, a queue, a token or an actor.
const (
	commands   = "commands"
	everyClaim = "active-jobs" // each key's row counts as the whole table: a stage has one key
)

// touches is what a call reads and writes, with what its effects do at once.
func (r request) touches() []choose.Touch {
	switch in := r.input.(type) {
	case *dynamodb.GetItemInput:
		return []choose.Touch{row(in.TableName, in.Key, false)}
	case *dynamodb.UpdateItemInput:
		return []choose.Touch{row(in.TableName, in.Key, true)}
	case *dynamodb.PutItemInput:
		return []choose.Touch{row(in.TableName, in.Item, true)}
	case *dynamodb.TransactWriteItemsInput:
		var touches []choose.Touch
		for _, t := range in.TransactItems {
			switch {
			case t.Update != nil:
				touches = append(touches, row(t.Update.TableName, t.Update.Key, true))
			case t.Put != nil:
				touches = append(touches, row(t.Put.TableName, t.Put.Item, true))
			case t.ConditionCheck != nil:
				touches = append(touches, row(t.ConditionCheck.TableName, t.ConditionCheck.Key, false))
			}
		}
		return touches
	case *sfn.SendTaskSuccessInput:
		return []choose.Touch{{Object: aws.ToString(in.TaskToken), Writes: true}}
	case *sfn.SendTaskFailureInput:
		return []choose.Touch{{Object: aws.ToString(in.TaskToken), Writes: true}}
	case *sqs.SendMessageInput: // those who listen to the queue hear of it
		return []choose.Touch{{Object: awsx.QueueName(aws.ToString(in.QueueUrl)), Writes: true}, {Object: commands, Writes: true}}
	}
	if r.service == "sqs" {
		return []choose.Touch{{Object: "queues", Writes: true}}
	}
	panic(fmt.Sprintf("world: what %s %s touches is not known", r.service, r.operation))
}

// row is one row of a table, by its message. A claim's row is its whole table; a row without a
// message counts as a write of the whole table.
func row(table *string, key map[string]ddbtypes.AttributeValue, writes bool) choose.Touch {
	name := tableName(table)
	if name == everyClaim {
		return choose.Touch{Object: name, Writes: writes}
	}
	for _, attribute := range [...]string{"messageId", "rfcMessageId"} {
		if v, ok := key[attribute].(*ddbtypes.AttributeValueMemberS); ok {
			return choose.Touch{Object: name + " " + v.Value, Writes: writes}
		}
	}
	return choose.Touch{Object: name, Writes: true}
}
