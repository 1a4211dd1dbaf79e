package ddbcore

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/cockroachdb/apd/v3"
)

const (
	// ttlOldest: DynamoDB never deletes an item that expired longer ago (Developer Guide,
	// time-to-live-ttl-before-you-start).
	ttlOldest = 5 * 365 * 24 * time.Hour
	// ttlChange is the least time between two changes of a table's setting.
	ttlChange = time.Hour
)

// timeToLive is a table's setting; an empty attribute means that it is off.
type timeToLive struct {
	attribute string
	changed   time.Time
}

func (c *Core) updateTimeToLive(now time.Time, in *dynamodb.UpdateTimeToLiveInput) (*dynamodb.UpdateTimeToLiveOutput, error) {
	t, err := c.tableOfControlPlane(in.TableName)
	if err != nil {
		return nil, err
	}
	spec := in.TimeToLiveSpecification
	if spec == nil || spec.Enabled == nil || aws.ToString(spec.AttributeName) == "" {
		return nil, nullMember("timeToLiveSpecification")
	}
	name := *spec.AttributeName
	switch {
	case *spec.Enabled && t.ttl.attribute == name:
		return nil, invalidf("TimeToLive is already enabled")
	case *spec.Enabled && t.ttl.attribute != "":
		return nil, invalidf("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl.attribute)
	case !*spec.Enabled && t.ttl.attribute == "":
		return nil, invalidf("TimeToLive is already disabled")
	case !*spec.Enabled && t.ttl.attribute != name:
		return nil, invalidf("TimeToLive is active on a different AttributeName: current AttributeName is %s", t.ttl.attribute)
	case !t.ttl.changed.IsZero() && now.Sub(t.ttl.changed) < ttlChange:
		return nil, invalidf("Time to live has been modified multiple times within a fixed interval")
	}
	t.ttl = timeToLive{changed: now}
	if *spec.Enabled {
		t.ttl.attribute = name
	}
	return &dynamodb.UpdateTimeToLiveOutput{
		TimeToLiveSpecification: &types.TimeToLiveSpecification{AttributeName: aws.String(name), Enabled: aws.Bool(*spec.Enabled)},
	}, nil
}

func (c *Core) describeTimeToLive(in *dynamodb.DescribeTimeToLiveInput) (*dynamodb.DescribeTimeToLiveOutput, error) {
	t, err := c.tableOfControlPlane(in.TableName)
	if err != nil {
		return nil, err
	}
	d := &types.TimeToLiveDescription{TimeToLiveStatus: types.TimeToLiveStatusDisabled}
	if t.ttl.attribute != "" {
		d.TimeToLiveStatus = types.TimeToLiveStatusEnabled
		d.AttributeName = aws.String(t.ttl.attribute)
	}
	return &dynamodb.DescribeTimeToLiveOutput{TimeToLiveDescription: d}, nil
}

// Expired lists the items that DynamoDB may delete at the given time, in the order of tables and
// keys. Until DeleteExpired deletes them they are as visible as any other.
func (c *Core) Expired(now time.Time) []ItemKey {
	var keys []ItemKey
	for _, name := range c.tableNames() {
		t := c.tables[name]
		if t.ttl.attribute == "" {
			continue
		}
		t.primary.tree.Scan(func(p position) bool {
			if t.ttl.expired(now, p.record.current) {
				keys = append(keys, t.itemKey(p.record.key))
			}
			return true
		})
	}
	return keys
}

// DeleteExpired deletes an item if it is still expired, and says whether it did. It does not delete
// an item if an update has moved or removed the time.
func (c *Core) DeleteExpired(now time.Time, key ItemKey) bool {
	t := c.tables[key.Table]
	if t == nil {
		return false
	}
	at := primaryKey{key.Hash, key.Range}
	if !t.ttl.expired(now, t.current(at)) {
		return false
	}
	c.commit(now, t, at, nil, 0, ByTTL)
	return true
}

// expired compares in seconds, as the attribute counts; an item never expires if the attribute is
// no number.
func (l timeToLive) expired(now time.Time, it item) bool {
	if l.attribute == "" || it == nil {
		return false
	}
	n, ok := it[l.attribute].(*types.AttributeValueMemberN)
	if !ok {
		return false
	}
	// A value with a fraction expires with the second after it, which is what comparing with its
	// floor gives.
	seconds, ok := floor(n.Value)
	if !ok {
		return false
	}
	return seconds < now.Unix() && seconds >= now.Add(-ttlOldest).Unix()
}

// floor is the integer part of a canonical number; ok is false if it is too large for a time.
func floor(number string) (n int64, ok bool) {
	if n, ok = smallInteger(number); ok {
		return n, true
	}
	var d, rounded apd.Decimal
	if _, _, err := d.SetString(number); err != nil {
		return 0, false
	}
	if _, err := apd.BaseContext.WithPrecision(maxExponent+maxDigits).Floor(&rounded, &d); err != nil {
		return 0, false
	}
	n, err := rounded.Int64()
	return n, err == nil
}
