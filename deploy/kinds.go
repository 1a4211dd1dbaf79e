package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/webordinary/hephaestus/deploy/statemachine"
)

// kind is what is known of a resource type: which property is its name, what its ARN is, and how
// its properties become part of a Stack. A kind without take exists on AWS only.
type kind struct {
	name string
	arn  string
	take func(s *Stack, is identity, properties any) error
}

// identity is what a resource is called: in the template, by Ref and by its ARN, if it has one.
type identity struct{ id, ref, arn string }

const (
	queueType   = "AWS::SQS::Queue"
	machineType = "AWS::StepFunctions::StateMachine"
)

var kinds = map[string]kind{
	"AWS::DynamoDB::Table":  {"TableName", "arn:aws:dynamodb:REGION:ACCOUNT:table/NAME", table},
	queueType:               {"QueueName", "arn:aws:sqs:REGION:ACCOUNT:NAME", queue},
	"AWS::S3::Bucket":       {"BucketName", "arn:aws:s3:::NAME", bucket},
	"AWS::Lambda::Function": {"FunctionName", "arn:aws:lambda:REGION:ACCOUNT:function:NAME", function},
	machineType:             {"StateMachineName", "arn:aws:states:REGION:ACCOUNT:stateMachine:NAME", machine},
	"AWS::IAM::Role":        {"", "arn:aws:iam::ACCOUNT:role/NAME", role},
	"AWS::Events::Rule":     {"Name", "arn:aws:events:REGION:ACCOUNT:rule/NAME", rule},

	"AWS::Lambda::EventInvokeConfig":  {take: async},
	"AWS::Lambda::EventSourceMapping": {take: mapping},

	"AWS::Logs::LogGroup":      {name: "LogGroupName", arn: "arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*"},
	"AWS::Lambda::Permission":  {}, // whoever is wired to a function may call it
	"AWS::S3::BucketPolicy":    {},
	"AWS::SES::ReceiptRuleSet": {name: "RuleSetName"},
	"AWS::SES::ReceiptRule":    {},

	"AWS::ECS::Cluster":                           {name: "ClusterName"},
	"AWS::ECS::TaskDefinition":                    {},
	"AWS::ECS::Service":                           {name: "ServiceName"},
	"AWS::EC2::SecurityGroup":                     {},
	"AWS::ApplicationAutoScaling::ScalableTarget": {},
	"AWS::ApplicationAutoScaling::ScalingPolicy":  {},
	"AWS::CloudWatch::Alarm":                      {name: "AlarmName"},
}

func table(s *Stack, is identity, properties any) error {
	f := fieldsOf(properties, "Properties")
	create := &dynamodb.CreateTableInput{
		TableName: aws.String(f.text("TableName")), BillingMode: types.BillingMode(f.text("BillingMode")),
		KeySchema: keySchema(f),
	}
	f.each("AttributeDefinitions", func(f *fields) {
		create.AttributeDefinitions = append(create.AttributeDefinitions, types.AttributeDefinition{
			AttributeName: aws.String(f.text("AttributeName")), AttributeType: types.ScalarAttributeType(f.text("AttributeType")),
		})
	})
	f.each("GlobalSecondaryIndexes", func(f *fields) {
		index := types.GlobalSecondaryIndex{IndexName: aws.String(f.text("IndexName")), KeySchema: keySchema(f)}
		projection := f.within("Projection")
		index.Projection = &types.Projection{
			ProjectionType: types.ProjectionType(projection.text("ProjectionType")), NonKeyAttributes: projection.texts("NonKeyAttributes"),
		}
		f.fail(projection.done())
		create.GlobalSecondaryIndexes = append(create.GlobalSecondaryIndexes, index)
	})
	ttl := f.within("TimeToLiveSpecification")
	forgets := ttl.text("AttributeName")
	if ttl.text("Enabled") != "true" {
		f.fail(errors.New("time to live is not enabled, and rows would stay for ever"))
	}
	f.fail(ttl.done())
	f.onlyAWS("PointInTimeRecoverySpecification", "SSESpecification", "DeletionProtectionEnabled")
	s.Tables = append(s.Tables, Table{Create: create, TTL: forgets})
	return f.done()
}

func keySchema(f *fields) (list []types.KeySchemaElement) {
	f.each("KeySchema", func(f *fields) {
		list = append(list, types.KeySchemaElement{AttributeName: aws.String(f.text("AttributeName")), KeyType: types.KeyType(f.text("KeyType"))})
	})
	return list
}

func queue(s *Stack, is identity, properties any) error {
	f := fieldsOf(properties, "Properties")
	q := Queue{Name: f.text("QueueName"), URL: is.ref, ARN: is.arn, Attributes: map[string]string{}}
	for _, name := range []string{"FifoQueue", "DeduplicationScope", "FifoThroughputLimit", "MessageRetentionPeriod", "VisibilityTimeout"} {
		if value := f.text(name); value != "" {
			q.Attributes[name] = value
		}
	}
	if redrive := f.within("RedrivePolicy"); len(redrive.of) > 0 {
		target := redrive.text("deadLetterTargetArn")
		most, _ := redrive.number("maxReceiveCount")
		policy, err := json.Marshal(map[string]any{"deadLetterTargetArn": target, "maxReceiveCount": most})
		f.fail(errors.Join(redrive.done(), err))
		q.Attributes["RedrivePolicy"] = string(policy)
	}
	f.onlyAWS("SqsManagedSseEnabled")
	s.Queues = append(s.Queues, q)
	return f.done()
}

func bucket(s *Stack, is identity, properties any) error {
	f := fieldsOf(properties, "Properties")
	b := Bucket{Name: f.text("BucketName")}
	notifies := f.within("NotificationConfiguration")
	notifies.each("LambdaConfigurations", func(f *fields) {
		n := Notification{Event: f.text("Event"), FunctionARN: f.text("Function")}
		filter := f.within("Filter")
		s3key := filter.within("S3Key")
		s3key.each("Rules", func(rule *fields) {
			if rule.text("Name") != "prefix" {
				rule.fail(errors.New("want a prefix"))
			}
			n.Prefix = rule.text("Value")
		})
		f.fail(errors.Join(s3key.done(), filter.done()))
		b.Notifications = append(b.Notifications, n)
	})
	f.fail(notifies.done())
	f.onlyAWS("LifecycleConfiguration", "VersioningConfiguration", "OwnershipControls", "BucketEncryption", "PublicAccessBlockConfiguration")
	s.Buckets = append(s.Buckets, b)
	return f.done()
}

func function(s *Stack, is identity, properties any) error {
	f := fieldsOf(properties, "Properties")
	made := Function{Name: f.text("FunctionName"), ARN: is.arn, RoleARN: f.text("Role"), Environment: map[string]string{}}
	made.TimeoutSeconds, _ = f.number("Timeout")
	environment := f.within("Environment")
	variables := environment.within("Variables")
	for _, name := range slices.Sorted(maps.Keys(variables.of)) {
		made.Environment[name] = variables.text(name)
	}
	letters := f.within("DeadLetterConfig")
	made.DeadLetterQueueARN = letters.text("TargetArn")
	logging := f.within("LoggingConfig")
	made.LogGroupARN = logGroupARN(is.arn, logging.text("LogGroup"))
	logging.onlyAWS("LogFormat")
	f.fail(errors.Join(variables.done(), environment.done(), letters.done(), logging.done()))
	f.onlyAWS("MemorySize", "Runtime", "Handler", "Architectures", "Code")
	s.Functions = append(s.Functions, made)
	return f.done()
}

// logGroupARN is the ARN of a log group beside a function.
func logGroupARN(functionARN, name string) string {
	place := strings.TrimPrefix(functionARN, "arn:aws:lambda:")
	place = place[:strings.Index(place, ":function:")]
	return "arn:aws:logs:" + place + ":log-group:" + name + ":*"
}

func async(s *Stack, is identity, properties any) error {
	f := fieldsOf(properties, "Properties")
	c := invokeConfig{function: f.text("FunctionName")}
	if n, ok := f.number("MaximumRetryAttempts"); ok {
		c.retries = &n
	}
	c.maxAgeSeconds, _ = f.number("MaximumEventAgeInSeconds")
	destinations := f.within("DestinationConfig")
	failure := destinations.within("OnFailure")
	c.destinationARN = failure.text("Destination")
	f.fail(errors.Join(failure.done(), destinations.done()))
	if qualifier := f.text("Qualifier"); qualifier != "$LATEST" {
		f.fail(fmt.Errorf("qualifier %q: want $LATEST", qualifier))
	}
	s.async = append(s.async, c)
	return f.done()
}

func mapping(s *Stack, is identity, properties any) error {
	f := fieldsOf(properties, "Properties")
	m := Mapping{
		Queue: NameOf(f.text("EventSourceArn")), Function: f.text("FunctionName"),
		ReportBatchItemFailures: slices.Contains(f.texts("FunctionResponseTypes"), "ReportBatchItemFailures"),
	}
	m.BatchSize, _ = f.number("BatchSize")
	s.Mappings = append(s.Mappings, m)
	return f.done()
}

// rule is a schedule, or a rule for executions that end.
func rule(s *Stack, is identity, properties any) error {
	f := fieldsOf(properties, "Properties")
	f.onlyAWS("Name")
	target := ""
	f.each("Targets", func(f *fields) {
		target = NameOf(f.text("Arn"))
		f.onlyAWS("Id")
	})
	if rate := f.text("ScheduleExpression"); rate != "" {
		every, err := parseRate(rate)
		f.fail(err)
		s.Schedules = append(s.Schedules, Schedule{Function: target, Every: every})
		return f.done()
	}
	pattern := f.within("EventPattern")
	detail := pattern.within("detail")
	s.Rules = append(s.Rules, Rule{Function: target, Statuses: detail.texts("status")})
	detail.onlyAWS("stateMachineArn") // there is one
	if source := pattern.texts("source"); len(source) != 1 || source[0] != "aws.states" {
		f.fail(fmt.Errorf("pattern of source %v: want aws.states", source))
	}
	pattern.onlyAWS("detail-type")
	f.fail(errors.Join(detail.done(), pattern.done()))
	return f.done()
}

// parseRate reads rate(5 minutes) (EventBridge User Guide, eb-rate-expressions).
func parseRate(rate string) (time.Duration, error) {
	inner, ok := strings.CutPrefix(rate, "rate(")
	count, unit, _ := strings.Cut(strings.TrimSuffix(inner, ")"), " ")
	n, err := strconv.Atoi(count)
	of, known := map[string]time.Duration{"minute": time.Minute, "hour": time.Hour, "day": 24 * time.Hour}[strings.TrimSuffix(unit, "s")]
	if !ok || err != nil || n < 1 || !known {
		return 0, fmt.Errorf("schedule %q: want rate(N minutes), hours or days", rate)
	}
	return time.Duration(n) * of, nil
}

func machine(s *Stack, is identity, properties any) error {
	f := fieldsOf(properties, "Properties")
	m := StateMachine{Name: f.text("StateMachineName"), ARN: is.ref, RoleARN: f.text("RoleArn"), Substitutions: map[string]string{}}
	substitutions := f.within("DefinitionSubstitutions")
	for _, name := range slices.Sorted(maps.Keys(substitutions.of)) {
		m.Substitutions[name] = substitutions.text(name)
	}
	f.fail(substitutions.done())
	definition, err := statemachine.Definition(m.Substitutions)
	f.fail(err)
	m.Definition = definition
	if kind := f.text("StateMachineType"); kind != "STANDARD" {
		f.fail(fmt.Errorf("type %q: want STANDARD", kind))
	}
	f.onlyAWS("DefinitionS3Location", "LoggingConfiguration")
	s.StateMachine = m
	return f.done()
}

func role(s *Stack, is identity, properties any) error {
	f := fieldsOf(properties, "Properties")
	f.each("Policies", func(policy *fields) {
		document := policy.within("PolicyDocument")
		document.each("Statement", func(statement *fields) {
			if effect := statement.text("Effect"); effect != "Allow" {
				statement.fail(fmt.Errorf("effect %q: want Allow", effect))
			}
			resources := statement.texts("Resource")
			for _, action := range statement.texts("Action") {
				for _, resource := range resources {
					s.Permissions = append(s.Permissions, Permission{is.arn, action, resource})
				}
			}
		})
		document.onlyAWS("Version")
		policy.fail(document.done())
		policy.onlyAWS("PolicyName")
	})
	f.onlyAWS("AssumeRolePolicyDocument", "ManagedPolicyArns")
	if is.id == "WorkerRole" {
		s.WorkerRole = is.arn
	}
	return f.done()
}
