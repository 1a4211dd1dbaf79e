package ddbcore

// Expressions are parsed expressions by their text. Cores that run one after the other may share
// them: parsing the same few texts again is a large part of a short run. The zero value is ready
// for use.
type Expressions struct {
	conditions  cache[*conditionExpression]
	updates     cache[*updateExpression]
	projections cache[*projectionExpression]
}

// maxCached bounds each cache of parsed expressions, because a caller may write values into its
// expressions.
const maxCached = 1024

// cache remembers parsed expressions, and errors of those that do not parse, by parameter and text.
type cache[E any] struct{ entries map[cacheKey]parsed[E] }

type cacheKey struct {
	kind expressionKind
	text string
}

type parsed[E any] struct {
	expression E
	err        error
}

func (c *cache[E]) get(kind expressionKind, text string, parse func() (E, error)) (E, error) {
	key := cacheKey{kind, text}
	if p, ok := c.entries[key]; ok {
		return p.expression, p.err
	}
	if c.entries == nil || len(c.entries) >= maxCached {
		c.entries = make(map[cacheKey]parsed[E])
	}
	expression, err := parse()
	c.entries[key] = parsed[E]{expression, err}
	return expression, err
}

func (c *Core) condition(kind expressionKind, text string) (*conditionExpression, error) {
	return c.expressions.conditions.get(kind, text, func() (*conditionExpression, error) { return parseCondition(kind, text) })
}

func (c *Core) update(text string) (*updateExpression, error) {
	return c.expressions.updates.get(updateKind, text, func() (*updateExpression, error) { return parseUpdate(text) })
}

func (c *Core) projection(text string) (*projectionExpression, error) {
	return c.expressions.projections.get(projectionKind, text, func() (*projectionExpression, error) { return parseProjection(text) })
}
