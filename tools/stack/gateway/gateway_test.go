package gateway_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	sfntypes "github.com/aws/aws-sdk-go-v2/service/sfn/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"github.com/webordinary/hephaestus/tools/stack/gateway"
)

// backend answers every call with one function.
type backend func(service, operation string, input any) (any, error)

func (b backend) Do(_ context.Context, service, operation string, input any) (any, error) {
	return b(service, operation, input)
}

// serve starts a gateway and returns a configuration for the SDK's clients: one attempt, no
// retries.
func serve(t testing.TB, b gateway.Backend, options gateway.Options) aws.Config {
	server := httptest.NewServer(gateway.New(b, options))
	t.Cleanup(server.Close)
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String(server.URL), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
}

func TestACallReachesTheBackendAsTheSDKsInputAndComesBackAsItsOutput(t *testing.T) {
	key := map[string]ddbtypes.AttributeValue{"projectUserId": &ddbtypes.AttributeValueMemberS{Value: "amelia#scott"}}
	tests := []struct {
		service, operation string
		input, output      any
		call               func(context.Context, aws.Config, any) (any, error)
	}{
		{
			"dynamodb", "UpdateItem",
			&dynamodb.UpdateItemInput{TableName: aws.String("t"), Key: key, UpdateExpression: aws.String("SET a = :a")},
			&dynamodb.UpdateItemOutput{Attributes: key},
			func(ctx context.Context, c aws.Config, in any) (any, error) {
				return dynamodb.NewFromConfig(c).UpdateItem(ctx, in.(*dynamodb.UpdateItemInput))
			},
		},
		{
			"dynamodb", "TransactWriteItems",
			&dynamodb.TransactWriteItemsInput{ClientRequestToken: aws.String("token"), TransactItems: []ddbtypes.TransactWriteItem{
				{Put: &ddbtypes.Put{TableName: aws.String("t"), Item: key}},
			}},
			&dynamodb.TransactWriteItemsOutput{},
			func(ctx context.Context, c aws.Config, in any) (any, error) {
				return dynamodb.NewFromConfig(c).TransactWriteItems(ctx, in.(*dynamodb.TransactWriteItemsInput))
			},
		},
		{
			"sqs", "ReceiveMessage",
			&sqs.ReceiveMessageInput{QueueUrl: aws.String("http://q"), WaitTimeSeconds: 20},
			&sqs.ReceiveMessageOutput{Messages: []sqstypes.Message{{
				Body: aws.String("foobar"), MD5OfBody: aws.String("3858f62230ac3c915f300c664312c63f"),
				Attributes: map[string]string{"ApproximateReceiveCount": "1"},
			}}},
			func(ctx context.Context, c aws.Config, in any) (any, error) {
				return sqs.NewFromConfig(c).ReceiveMessage(ctx, in.(*sqs.ReceiveMessageInput))
			},
		},
		{
			"states", "SendTaskSuccess",
			&sfn.SendTaskSuccessInput{TaskToken: aws.String("token"), Output: aws.String(`{"a":1}`)},
			&sfn.SendTaskSuccessOutput{},
			func(ctx context.Context, c aws.Config, in any) (any, error) {
				return sfn.NewFromConfig(c).SendTaskSuccess(ctx, in.(*sfn.SendTaskSuccessInput))
			},
		},
		{
			"lambda", "Invoke",
			&lambda.InvokeInput{
				FunctionName: aws.String("arn:aws:lambda:us-east-1:000000000000:function:intake"), Payload: []byte(`{"a":1}`),
				InvocationType: lambdatypes.InvocationTypeRequestResponse, Qualifier: aws.String("live"),
			},
			&lambda.InvokeOutput{
				StatusCode: 200, Payload: []byte(`{"errorMessage":"no"}`), FunctionError: aws.String("Unhandled"),
				ExecutedVersion: aws.String("$LATEST"),
			},
			func(ctx context.Context, c aws.Config, in any) (any, error) {
				return lambda.NewFromConfig(c).Invoke(ctx, in.(*lambda.InvokeInput))
			},
		},
		{
			"lambda", "ListFunctions",
			&lambda.ListFunctionsInput{MaxItems: aws.Int32(5), Marker: aws.String("m")},
			&lambda.ListFunctionsOutput{Functions: []lambdatypes.FunctionConfiguration{
				{FunctionName: aws.String("intake"), Runtime: lambdatypes.RuntimeProvidedal2023, Timeout: aws.Int32(30)},
			}},
			func(ctx context.Context, c aws.Config, in any) (any, error) {
				return lambda.NewFromConfig(c).ListFunctions(ctx, in.(*lambda.ListFunctionsInput))
			},
		},
	}
	for _, test := range tests {
		t.Run(test.service+"/"+test.operation, func(t *testing.T) {
			config := serve(t, backend(func(service, operation string, input any) (any, error) {
				if service != test.service || operation != test.operation || !reflect.DeepEqual(input, test.input) {
					t.Errorf("the backend got %s %s %+v, want %s %s %+v", service, operation, input, test.service, test.operation, test.input)
				}
				return test.output, nil
			}), gateway.Options{})
			got, err := test.call(t.Context(), config, test.input)
			if err != nil {
				t.Fatal(err)
			}
			reflect.ValueOf(got).Elem().FieldByName("ResultMetadata").SetZero()
			if !reflect.DeepEqual(got, test.output) {
				t.Errorf("the client got %+v, want %+v", got, test.output)
			}
		})
	}
}

// failing returns a configuration for a gateway whose every call fails with err.
func failing(t *testing.T, err error) aws.Config {
	return serve(t, backend(func(string, string, any) (any, error) { return nil, err }), gateway.Options{})
}

func getItem(t *testing.T, config aws.Config) error {
	_, err := dynamodb.NewFromConfig(config).GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: aws.String("t"), Key: map[string]ddbtypes.AttributeValue{"k": &ddbtypes.AttributeValueMemberS{Value: "v"}},
	})
	return err
}

func receive(t *testing.T, config aws.Config) error {
	_, err := sqs.NewFromConfig(config).ReceiveMessage(t.Context(), &sqs.ReceiveMessageInput{QueueUrl: aws.String("http://q")})
	return err
}

func succeed(t *testing.T, config aws.Config) error {
	_, err := sfn.NewFromConfig(config).SendTaskSuccess(t.Context(), &sfn.SendTaskSuccessInput{TaskToken: aws.String("t"), Output: aws.String("{}")})
	return err
}

func tag(t *testing.T, config aws.Config) error {
	_, err := sfn.NewFromConfig(config).TagResource(t.Context(), &sfn.TagResourceInput{ResourceArn: aws.String("arn"), Tags: []sfntypes.Tag{}})
	return err
}

func invoke(t *testing.T, config aws.Config) error {
	_, err := lambda.NewFromConfig(config).Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("f")})
	return err
}

func TestAModelledErrorArrivesAsItself(t *testing.T) {
	item := map[string]ddbtypes.AttributeValue{"k": &ddbtypes.AttributeValueMemberN{Value: "1"}}
	tests := []struct {
		err  error
		call func(*testing.T, aws.Config) error
	}{
		{&ddbtypes.ConditionalCheckFailedException{Message: aws.String("The conditional request failed"), Item: item}, getItem},
		{&ddbtypes.TransactionCanceledException{Message: aws.String("cancelled"), CancellationReasons: []ddbtypes.CancellationReason{
			{Code: aws.String("None")}, {Code: aws.String("ConditionalCheckFailed"), Message: aws.String("no"), Item: item},
		}}, getItem},
		{&ddbtypes.ThrottlingException{Message: aws.String("slow"), ThrottlingReasons: []ddbtypes.ThrottlingReason{
			{Reason: aws.String("r"), Resource: aws.String("arn")},
		}}, getItem},
		{&ddbtypes.InternalServerError{Message: aws.String("oops")}, getItem},
		{&sqstypes.QueueDoesNotExist{
			Message: aws.String("The specified queue does not exist."), ErrorCodeOverride: aws.String("AWS.SimpleQueueService.NonExistentQueue"),
		}, receive},
		{&sfntypes.TaskTimedOut{Message: aws.String("Task Timed Out: 'Provided task does not exist anymore'")}, succeed},
		{&sfntypes.ResourceNotFound{Message: aws.String("no"), ResourceName: aws.String("arn")}, tag},
		{&lambdatypes.ResourceNotFoundException{Message: aws.String("Function not found"), Type: aws.String("User")}, invoke},
		{&lambdatypes.TooManyRequestsException{Message: aws.String("Rate Exceeded."), Type: aws.String("User")}, invoke},
		{&lambdatypes.ServiceException{Message: aws.String("oops"), Type: aws.String("Service")}, invoke},
	}
	for _, test := range tests {
		t.Run(reflect.TypeOf(test.err).Elem().String(), func(t *testing.T) {
			got := reflect.New(reflect.TypeOf(test.err))
			if err := test.call(t, failing(t, fmt.Errorf("wrapped: %w", test.err))); !errors.As(err, got.Interface()) {
				t.Fatalf("got %v", err)
			}
			if !reflect.DeepEqual(got.Elem().Interface(), test.err) {
				t.Errorf("got %+v, want %+v", got.Elem().Interface(), test.err)
			}
		})
	}
}

func TestAnErrorOutsideTheModelArrivesUnderItsCode(t *testing.T) {
	generic := func(code, message string) error {
		return &smithy.GenericAPIError{Code: code, Message: message, Fault: smithy.FaultClient}
	}
	tests := []struct {
		name, code, message string
		err                 error
		call                func(*testing.T, aws.Config) error
	}{
		{"a validation", "ValidationException", "bad", generic("ValidationException", "bad"), getItem},
		{"a serialization", "SerializationException", "bad", generic("SerializationException", "bad"), getItem},
		{"SQS under its legacy code", "InvalidParameterValue", "bad", generic("InvalidParameterValue", "bad"), receive},
		{"a bug in DynamoDB", "InternalServerError", "boom", errors.New("boom"), getItem},
		{"a bug in SQS", "InternalFailure", "boom", errors.New("boom"), receive},
		{"a bug in Lambda", "ServiceException", "boom", errors.New("boom"), invoke},
		{"an operation the core lacks", "UnknownOperationException", "core does not know X", generic("UnknownOperationException", "core does not know X"), succeed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var api smithy.APIError
			err := test.call(t, failing(t, test.err))
			if !errors.As(err, &api) || api.ErrorCode() != test.code || api.ErrorMessage() != test.message {
				t.Errorf("got %v, want %s: %s", err, test.code, test.message)
			}
		})
	}
}

type response struct {
	status int
	header http.Header
	body   string
}

func send(t *testing.T, config aws.Config, method, path, body string, headers ...string) response {
	request, err := http.NewRequestWithContext(t.Context(), method, *config.BaseEndpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{answer.StatusCode, answer.Header, string(content)}
}

// unreachable returns a configuration for a gateway that must refuse every request itself.
func unreachable(t *testing.T) aws.Config {
	return serve(t, backend(func(service, operation string, _ any) (any, error) {
		t.Errorf("%s %s reached the backend", service, operation)
		return nil, errors.New("unreachable")
	}), gateway.Options{})
}

func TestWhatIsUnknownIsRefusedByName(t *testing.T) {
	scope := func(service string) string {
		return "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/" + service + "/aws4_request, SignedHeaders=host, Signature=0"
	}
	tests := []struct {
		name, method, path, body string
		headers                  []string
		status                   int
		want                     string
	}{
		{"an operation of DynamoDB", "POST", "/", `{}`, []string{"X-Amz-Target", "DynamoDB_20120810.Frobnicate"}, 400, `dynamodb has no operation \"Frobnicate\"`},
		{"a service with JSON", "POST", "/", `{}`, []string{"X-Amz-Target", "Kinesis_20131202.PutRecord"}, 400, `Kinesis_20131202 has no operation \"PutRecord\"`},
		{"SQS's query protocol", "POST", "/", `Action=SendMessage`, []string{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8", "Authorization", scope("sqs")}, 400, "query protocol"},
		{"SQS's query protocol with GET", "GET", "/?Action=ListQueues", ``, nil, 400, "query protocol"},
		{"STS", "POST", "/", `Action=GetCallerIdentity`, []string{"Content-Type", "application/x-www-form-urlencoded", "Authorization", scope("sts")}, 400, `service &#34;sts&#34;`},
		{"a service with paths", "GET", "/v1/things", ``, []string{"Authorization", scope("apigateway")}, 400, `apigateway has no operation`},
		{"an operation of Lambda", "GET", "/2015-03-31/functions/f/policy", ``, nil, 400, "lambda has no operation"},
		{"a newer operation of Lambda", "GET", "/2021-10-31/functions/f/url", ``, []string{"Authorization", scope("lambda")}, 400, "lambda has no operation"},
		{"DynamoDB without an operation", "POST", "/", `{}`, []string{"Authorization", scope("dynamodb")}, 400, "without X-Amz-Target"},
		{"an invocation that is too large", "POST", "/2015-03-31/functions/f/invocations", strings.Repeat("x", 6<<20+1), []string{"Content-Type", "application/json"}, 413, "Request must be smaller than 6291456 bytes"},
		{"JSON that is too large", "POST", "/", strings.Repeat("x", 16<<20+1), []string{"X-Amz-Target", "DynamoDB_20120810.GetItem"}, 400, "larger than 16777216 bytes"},
		{"an S3 object's tags", "PUT", "/bucket/key?tagging", `<Tagging/>`, nil, 501, "parameter tagging"},
		{"an S3 bucket's policy", "DELETE", "/bucket?policy", ``, nil, 501, "parameter policy"},
		{"putting where getting is known", "PUT", "/bucket?location", ``, nil, 501, "PUT with parameter location"},
		{"an ACL", "PUT", "/bucket/key", `x`, []string{"X-Amz-Acl", "public-read"}, 501, "header X-Amz-Acl"},
		{"an unknown checksum", "PUT", "/bucket/key", `x`, []string{"X-Amz-Checksum-Md4", "AA=="}, 501, "header X-Amz-Checksum-Md4"},
		{"other metadata for a copy", "PUT", "/bucket/key", ``, []string{"X-Amz-Metadata-Directive", "REPLACE"}, 501, "header X-Amz-Metadata-Directive"},
		{"a conditional delete", "DELETE", "/bucket/key", ``, []string{"If-Match", `"e"`}, 501, "DELETE with header If-Match"},
		{"a large object", "PUT", "/bucket/key", ``, []string{"X-Amz-Content-Sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER", "X-Amz-Decoded-Content-Length", "999999999"}, 400, "EntityTooLarge"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := send(t, unreachable(t), test.method, test.path, test.body, test.headers...)
			if got.status != test.status || !strings.Contains(got.body, test.want) {
				t.Errorf("got %d %s, want %d with %s", got.status, got.body, test.status, test.want)
			}
		})
	}
}

func TestAnErrorOnTheWire(t *testing.T) {
	tests := []struct {
		target, body, query string
		err                 error
	}{
		{"DynamoDB_20120810.GetItem", `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"m"}`, "", &ddbtypes.ResourceNotFoundException{Message: aws.String("m")}},
		{"DynamoDB_20120810.GetItem", `{"__type":"com.amazon.coral.validate#ValidationException","message":"m"}`, "", &smithy.GenericAPIError{Code: "ValidationException", Message: "m"}},
		{"DynamoDB_20120810.GetItem", `{"__type":"com.amazon.coral.service#SerializationException","Message":"m"}`, "", &smithy.GenericAPIError{Code: "SerializationException", Message: "m"}},
		{"DynamoDB_20120810.GetItem", `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException"}`, "", &ddbtypes.TransactionConflictException{}},
		{"AmazonSQS.SendMessage", `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"m"}`, "AWS.SimpleQueueService.NonExistentQueue;Sender", &sqstypes.QueueDoesNotExist{Message: aws.String("m")}},
		{"AmazonSQS.SendMessage", `{"__type":"com.amazon.coral.service#MissingRequiredParameterException","message":"m"}`, "MissingParameter;Sender", &smithy.GenericAPIError{Code: "MissingParameter", Message: "m"}},
		{"AWSStepFunctions.SendTaskSuccess", `{"__type":"com.amazonaws.swf.service.v2.model#InvalidToken","message":"m"}`, "", &sfntypes.InvalidToken{Message: aws.String("m")}},
	}
	for _, test := range tests {
		t.Run(reflect.TypeOf(test.err).Elem().Name(), func(t *testing.T) {
			got := send(t, failing(t, test.err), "POST", "/", `{}`, "X-Amz-Target", test.target)
			if got.status != 400 || got.body != test.body || got.header.Get("X-Amzn-Query-Error") != test.query {
				t.Errorf("got %d %s %s\nwant %s %s", got.status, got.body, got.header, test.body, test.query)
			}
			if got.header.Get("X-Amzn-Requestid") == "" {
				t.Error("the answer has no request id")
			}
		})
	}
}

func TestTheStacksOwnPagesAreBesideTheServices(t *testing.T) {
	config := serve(t, backend(nil), gateway.Options{System: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "console "+r.URL.Path)
	})})
	for path, want := range map[string]string{"/_heph/health": `{"status":"ok"}`, "/_heph/jobs": "console /_heph/jobs"} {
		if got := send(t, config, "GET", path, ""); got.status != 200 || got.body != want {
			t.Errorf("%s: got %d %s, want %s", path, got.status, got.body, want)
		}
	}
	if got := send(t, serve(t, backend(nil), gateway.Options{}), "GET", "/_heph/jobs", ""); got.status != 404 {
		t.Errorf("without a system handler: got %d", got.status)
	}
}

func BenchmarkUpdateItemOverLoopback(b *testing.B) {
	out := &dynamodb.UpdateItemOutput{Attributes: map[string]ddbtypes.AttributeValue{}}
	for i := range 10 {
		out.Attributes[fmt.Sprint("attribute", i)] = &ddbtypes.AttributeValueMemberS{Value: "value"}
	}
	client := dynamodb.NewFromConfig(serve(b, backend(func(string, string, any) (any, error) { return out, nil }), gateway.Options{}))
	input := heartbeat()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.UpdateItem(b.Context(), input); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUpdateItemServed is the server's share: no client and no socket.
func BenchmarkUpdateItemServed(b *testing.B) {
	handler := gateway.New(backend(func(string, string, any) (any, error) { return &dynamodb.UpdateItemOutput{}, nil }), gateway.Options{})
	body := []byte(`{"TableName":"t","Key":{"k":{"S":"amelia#scott"}},"UpdateExpression":"SET a = :a, b = :b","ConditionExpression":"fence = :fence",` +
		`"ExpressionAttributeValues":{":a":{"N":"1700000000000"},":b":{"N":"1700003600"},":fence":{"N":"1700000000001"}},"ReturnValues":"ALL_NEW"}`)
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
		r.Host = "localhost:7400"
		r.Header.Set("X-Amz-Target", "DynamoDB_20120810.UpdateItem")
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
}

func heartbeat() *dynamodb.UpdateItemInput {
	number := func(n string) ddbtypes.AttributeValue { return &ddbtypes.AttributeValueMemberN{Value: n} }
	return &dynamodb.UpdateItemInput{
		TableName:           aws.String("webordinary-active-jobs"),
		Key:                 map[string]ddbtypes.AttributeValue{"projectUserId": &ddbtypes.AttributeValueMemberS{Value: "amelia#scott"}},
		UpdateExpression:    aws.String("SET leaseExpiresAt = :lease, expiresAt = :expires"),
		ConditionExpression: aws.String("fence = :fence AND workerId = :worker"),
		ExpressionAttributeValues: map[string]ddbtypes.AttributeValue{
			":lease": number("1700000000000"), ":expires": number("1700003600"), ":fence": number("1700000000001"),
			":worker": &ddbtypes.AttributeValueMemberS{Value: "worker-1"},
		},
		ReturnValues:                        ddbtypes.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: ddbtypes.ReturnValuesOnConditionCheckFailureAllOld,
	}
}
