package sfncore

//lint:file-ignore ST1005 the texts of errors are AWS's own

import (
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/webordinary/hephaestus/sim/aws/sfncore/asl"
)

// maxInlineConcurrency is the most iterations of an inline Map that run at once (Developer Guide,
// Map state).
const maxInlineConcurrency = 40

// fanout holds the branches of a Parallel state or the iterations of a Map state.
type fanout struct {
	children []*branch // those that were begun, by index. Invariant: len(children) <= len(results)
	results  []any
	items    []any // Map
	done     int   // Invariant: 0 <= done < len(results), and done children are over
}

func (c *Core) beginParallel(b *branch) {
	input, err := evaluate(b.state.Parameters, b.input, b)
	if err != nil {
		c.runtimeFailure(b, err)
		return
	}
	b.fanout = &fanout{results: make([]any, len(b.state.Branches))}
	c.record(b, event{kind: types.HistoryEventTypeParallelStateStarted, state: b.state.Name})
	for i, flow := range b.state.Branches {
		child := &branch{core: c, execution: b.execution, parent: b, index: i, lastEvent: b.lastEvent}
		b.fanout.children = append(b.fanout.children, child)
		c.enter(child, flow.Start, input)
	}
}

func (c *Core) beginMap(b *branch) {
	value, err := b.state.ItemsPath.Lookup(b.input, b)
	var limit int
	if err == nil {
		limit, err = b.state.ResolveMaxConcurrency(b.input, b)
	}
	items, isArray := value.([]any)
	if err == nil && !isArray {
		err = fmt.Errorf("Reference path \"%s\" must point to array.", b.state.ItemsPath.Text())
	}
	if err != nil {
		c.runtimeFailure(b, err)
		return
	}
	if limit == 0 || limit > maxInlineConcurrency {
		limit = maxInlineConcurrency
	}
	b.fanout = &fanout{results: make([]any, len(items)), items: items}
	c.record(b, event{kind: types.HistoryEventTypeMapStateStarted, state: b.state.Name, index: len(items)})
	if len(items) == 0 {
		c.fanIn(b)
		return
	}
	started := b.lastEvent
	for range min(limit, len(items)) {
		if !c.beginIteration(b, started) {
			return
		}
	}
}

// beginIteration begins the next iteration of a Map state, after the event with the given id.
func (c *Core) beginIteration(b *branch, after int64) bool {
	i := len(b.fanout.children)
	child := &branch{core: c, execution: b.execution, parent: b, index: i, item: b.fanout.items[i], lastEvent: after}
	input := child.item
	if b.state.Parameters != nil {
		var err error
		if input, err = b.state.Parameters.Eval(b.input, child); err != nil {
			c.runtimeFailure(b, err)
			return false
		}
	}
	b.fanout.children = append(b.fanout.children, child)
	c.record(child, event{kind: types.HistoryEventTypeMapIterationStarted, state: b.state.Name, index: i})
	c.enter(child, b.state.Processor.Start, input)
	return true
}

// childDone takes the output of a branch or iteration.
func (c *Core) childDone(child *branch, value any) {
	b := child.parent
	child.over = true
	b.fanout.results[child.index] = value
	b.fanout.done++
	if b.state.Type == asl.Map {
		c.record(child, event{kind: types.HistoryEventTypeMapIterationSucceeded, state: b.state.Name, index: child.index})
	}
	if b.fanout.done == len(b.fanout.results) {
		b.lastEvent = child.lastEvent
		c.fanIn(b)
	} else if len(b.fanout.children) < len(b.fanout.results) {
		c.beginIteration(b, child.lastEvent)
	}
}

// fanIn ends a Parallel or Map state when all its children are done.
func (c *Core) fanIn(b *branch) {
	kind := types.HistoryEventTypeParallelStateSucceeded
	if b.state.Type == asl.Map {
		kind = types.HistoryEventTypeMapStateSucceeded
	}
	c.record(b, event{kind: kind, state: b.state.Name})
	results := b.fanout.results
	b.fanout = nil
	c.finish(b, results)
}

// childFailed fails the Parallel or Map state of child; the other children are aborted.
func (c *Core) childFailed(child *branch, f failure) {
	b := child.parent
	kind := types.HistoryEventTypeParallelStateFailed
	if b.state.Type == asl.Map {
		kind = types.HistoryEventTypeMapStateFailed
		c.record(child, event{kind: types.HistoryEventTypeMapIterationFailed, state: b.state.Name, index: child.index})
	}
	b.lastEvent = child.lastEvent
	child.over = true
	c.abort(b)
	c.drop(child)
	b.fanout = nil
	c.record(b, event{kind: kind, state: b.state.Name, failure: &f})
	c.failState(b, f)
}

// abort records that the running children of b are aborted, and closes what they have open.
func (c *Core) abort(b *branch) {
	if b.fanout == nil {
		return
	}
	for _, child := range b.fanout.children {
		if child.over {
			continue
		}
		c.abort(child)
		if !child.pending {
			c.record(child, event{kind: kinds[child.state.Type].aborted, state: child.state.Name})
		}
		if b.state.Type == asl.Map {
			c.record(child, event{kind: types.HistoryEventTypeMapIterationAborted, state: b.state.Name, index: child.index})
		}
		c.drop(child)
	}
}
