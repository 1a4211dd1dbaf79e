package s3core

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
)

// Names of events in a record: without the "s3:" that a configuration writes (S3 User Guide,
// notification-content-structure).
const (
	eventPut      = "ObjectCreated:Put"
	eventPost     = "ObjectCreated:Post"
	eventCopy     = "ObjectCreated:Copy"
	eventComplete = "ObjectCreated:CompleteMultipartUpload"
	eventDelete   = "ObjectRemoved:Delete"
)

// knownEvents are the events that a configuration may name. Post is a browser's upload, which this
// core never sees.
var knownEvents = []types.Event{
	"s3:ObjectCreated:*", "s3:" + eventPut, "s3:" + eventPost, "s3:" + eventCopy, "s3:" + eventComplete,
	"s3:ObjectRemoved:*", "s3:" + eventDelete,
}

func (c *Core) putNotifications(in *s3.PutBucketNotificationConfigurationInput) (*s3.PutBucketNotificationConfigurationOutput, error) {
	if err := only(in, "Bucket", "NotificationConfiguration", "SkipDestinationValidation"); err != nil {
		return nil, err
	}
	b, err := c.find(in.Bucket)
	if err != nil {
		return nil, err
	}
	if in.NotificationConfiguration == nil {
		return nil, generic(codeMalformedXML, "The XML you provided was not well-formed or did not validate against our published schema")
	}
	if err := only(in.NotificationConfiguration, "LambdaFunctionConfigurations"); err != nil {
		return nil, err
	}
	var list []types.LambdaFunctionConfiguration
	for _, given := range in.NotificationConfiguration.LambdaFunctionConfigurations {
		cfg, err := c.checkedConfiguration(given)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(list, func(other types.LambdaFunctionConfiguration) bool { return overlap(other, cfg) }) {
			return nil, generic(codeInvalidArgument, "Configuration is ambiguously defined. Cannot have overlapping suffixes "+
				"in two rules if the prefixes are overlapping for the same event type.")
		}
		list = append(list, cfg)
	}
	b.notifications = list
	return &s3.PutBucketNotificationConfigurationOutput{}, nil
}

// checkedConfiguration returns a copy of cfg with an id, if this core supports it.
func (c *Core) checkedConfiguration(cfg types.LambdaFunctionConfiguration) (types.LambdaFunctionConfiguration, error) {
	if !strings.HasPrefix(aws.ToString(cfg.LambdaFunctionArn), "arn:aws:lambda:") {
		return cfg, generic(codeInvalidArgument, "The ARN could not be found")
	}
	if len(cfg.Events) == 0 {
		return cfg, generic(codeMalformedXML, "The XML you provided was not well-formed or did not validate against our published schema")
	}
	for _, event := range cfg.Events {
		if !slices.Contains(knownEvents, event) {
			return cfg, refused("notifications of the event %s", event)
		}
	}
	if cfg.Filter != nil && cfg.Filter.Key != nil {
		seen := map[string]bool{}
		for _, rule := range cfg.Filter.Key.FilterRules {
			name := strings.ToLower(string(rule.Name))
			if name != "prefix" && name != "suffix" || seen[name] {
				return cfg, generic(codeInvalidArgument, "filter rule name must be either prefix or suffix, each at most once")
			}
			seen[name] = true
		}
	}
	id := aws.ToString(cfg.Id)
	if id == "" {
		id = c.opts.NewID()
	}
	return cloneConfiguration(cfg, id), nil
}

func cloneConfiguration(cfg types.LambdaFunctionConfiguration, id string) types.LambdaFunctionConfiguration {
	clone := types.LambdaFunctionConfiguration{
		Id: aws.String(id), LambdaFunctionArn: aws.String(*cfg.LambdaFunctionArn), Events: slices.Clone(cfg.Events),
	}
	if cfg.Filter != nil && cfg.Filter.Key != nil {
		clone.Filter = &types.NotificationConfigurationFilter{Key: &types.S3KeyFilter{}}
		for _, rule := range cfg.Filter.Key.FilterRules {
			clone.Filter.Key.FilterRules = append(clone.Filter.Key.FilterRules,
				types.FilterRule{Name: rule.Name, Value: aws.String(aws.ToString(rule.Value))})
		}
	}
	return clone
}

func (c *Core) getNotifications(in *s3.GetBucketNotificationConfigurationInput) (*s3.GetBucketNotificationConfigurationOutput, error) {
	if err := only(in, "Bucket"); err != nil {
		return nil, err
	}
	b, err := c.find(in.Bucket)
	if err != nil {
		return nil, err
	}
	out := &s3.GetBucketNotificationConfigurationOutput{}
	for _, cfg := range b.notifications {
		out.LambdaFunctionConfigurations = append(out.LambdaFunctionConfigurations, cloneConfiguration(cfg, *cfg.Id))
	}
	return out, nil
}

// filter returns the prefix and suffix of a configuration; empty ones match all.
func filter(cfg types.LambdaFunctionConfiguration) (prefix, suffix string) {
	if cfg.Filter == nil || cfg.Filter.Key == nil {
		return "", ""
	}
	for _, rule := range cfg.Filter.Key.FilterRules {
		if strings.EqualFold(string(rule.Name), "prefix") {
			prefix = aws.ToString(rule.Value)
		} else {
			suffix = aws.ToString(rule.Value)
		}
	}
	return prefix, suffix
}

// covers says whether a configured event, which may end in a star, includes the given event.
func covers(configured types.Event, event string) bool {
	family, star := strings.CutSuffix(strings.TrimPrefix(string(configured), "s3:"), "*")
	return star && strings.HasPrefix(event, family) || family == event
}

// overlap says whether one change could match both configurations.
func overlap(a, b types.LambdaFunctionConfiguration) bool {
	ap, as := filter(a)
	bp, bs := filter(b)
	if !strings.HasPrefix(ap, bp) && !strings.HasPrefix(bp, ap) || !strings.HasSuffix(as, bs) && !strings.HasSuffix(bs, as) {
		return false
	}
	for _, x := range a.Events {
		for _, y := range b.Events {
			if covers(x, strings.TrimPrefix(string(y), "s3:")) || covers(y, strings.TrimPrefix(string(x), "s3:")) {
				return true
			}
		}
	}
	return false
}

// The event that S3 sends, with the members in S3's order.
type (
	eventMessage struct {
		Records []eventRecord `json:"Records"`
	}
	eventRecord struct {
		EventVersion      string            `json:"eventVersion"`
		EventSource       string            `json:"eventSource"`
		AWSRegion         string            `json:"awsRegion"`
		EventTime         string            `json:"eventTime"`
		EventName         string            `json:"eventName"`
		UserIdentity      principal         `json:"userIdentity"`
		RequestParameters requestParameters `json:"requestParameters"`
		ResponseElements  responseElements  `json:"responseElements"`
		S3                eventEntity       `json:"s3"`
	}
	principal struct {
		PrincipalID string `json:"principalId"`
	}
	requestParameters struct {
		SourceIPAddress string `json:"sourceIPAddress"`
	}
	responseElements struct {
		RequestID string `json:"x-amz-request-id"`
		HostID    string `json:"x-amz-id-2"`
	}
	eventEntity struct {
		SchemaVersion   string      `json:"s3SchemaVersion"`
		ConfigurationID string      `json:"configurationId"`
		Bucket          eventBucket `json:"bucket"`
		Object          eventObject `json:"object"`
	}
	eventBucket struct {
		Name          string    `json:"name"`
		OwnerIdentity principal `json:"ownerIdentity"`
		ARN           string    `json:"arn"`
	}
	eventObject struct {
		Key       string `json:"key"`            // form-URL-encoded
		SizeBytes *int   `json:"size,omitempty"` // not of a deleted object
		ETag      string `json:"eTag,omitempty"` // without quotes
		Sequencer string `json:"sequencer"`
	}
)

// notify makes the event of a change for every configuration that names it. o is nil if the object
// was deleted.
func (c *Core) notify(b *bucket, key string, o *object, event string) {
	c.sequence++
	for _, cfg := range b.notifications {
		prefix, suffix := filter(cfg)
		wanted := slices.ContainsFunc(cfg.Events, func(e types.Event) bool { return covers(e, event) })
		if !wanted || !strings.HasPrefix(key, prefix) || !strings.HasSuffix(key, suffix) {
			continue
		}
		request := c.opts.NewID()
		record := eventRecord{
			EventVersion: "2.1", EventSource: "aws:s3", AWSRegion: c.opts.Region,
			EventTime: c.now.UTC().Format("2006-01-02T15:04:05.000Z"), EventName: event,
			UserIdentity:      principal{"AWS:" + c.opts.AccountID},
			RequestParameters: requestParameters{"127.0.0.1"},
			ResponseElements:  responseElements{RequestID: request, HostID: request},
			S3: eventEntity{
				SchemaVersion: "1.0", ConfigurationID: *cfg.Id,
				Bucket: eventBucket{Name: b.name, OwnerIdentity: principal{c.opts.AccountID}, ARN: "arn:aws:s3:::" + b.name},
				Object: eventObject{Key: formEncode(key), Sequencer: fmt.Sprintf("%016X", c.sequence)},
			},
		}
		if o != nil {
			size := len(o.body)
			record.S3.Object.SizeBytes, record.S3.Object.ETag = &size, strings.Trim(o.etag, `"`)
		}
		text, err := json.Marshal(eventMessage{Records: []eventRecord{record}})
		if err != nil {
			panic(fmt.Sprintf("s3core: an event that is strings and numbers must encode: %v", err))
		}
		c.pending = append(c.pending, Notify{FunctionARN: *cfg.LambdaFunctionArn, Event: text})
	}
}

// formEncode encodes a key as S3 does in events: a space becomes a plus, slashes stay.
func formEncode(key string) string {
	return strings.ReplaceAll(url.QueryEscape(key), "%2F", "/")
}
