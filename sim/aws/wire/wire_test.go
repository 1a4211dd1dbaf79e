package wire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/webordinary/hephaestus/sim/aws/wire"
)

// roundTripper is a server in the SDK client's own process.
type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// clients returns the SDK's client for each service, all talking to server.
func clients(server roundTripper) map[string]any {
	config := aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("http://localhost"), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		HTTPClient:  &http.Client{Transport: server},
	}
	return map[string]any{
		wire.DynamoDB: dynamodb.NewFromConfig(config, func(o *dynamodb.Options) {
			o.EndpointDiscovery.EnableEndpointDiscovery = aws.EndpointDiscoveryDisabled
			o.DisableValidateResponseChecksum = true
		}),
		wire.SQS:    sqs.NewFromConfig(config, func(o *sqs.Options) { o.DisableMessageChecksumValidation = true }),
		wire.States: sfn.NewFromConfig(config),
	}
}

func answer(body []byte) *http.Response {
	return &http.Response{
		StatusCode: 200, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
	}
}

type operation struct {
	service, name string
	call          func(context.Context, any) (any, error)
	input, output reflect.Type
}

// operations are the methods of the form Do(ctx, *Input, ...func(*Options)) (*Output, error).
func operations(clients map[string]any) []operation {
	var all []operation
	for service, client := range clients {
		v := reflect.ValueOf(client)
		for i := range v.NumMethod() {
			method, name := v.Method(i), v.Type().Method(i).Name
			t := method.Type()
			if t.NumIn() != 3 || t.NumOut() != 2 || t.In(1).Kind() != reflect.Pointer || !strings.HasSuffix(t.In(1).Elem().Name(), "Input") {
				continue
			}
			all = append(all, operation{
				service: service, name: name, input: t.In(1).Elem(), output: t.Out(0).Elem(),
				call: func(ctx context.Context, input any) (any, error) {
					out := method.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(input)})
					err, _ := out[1].Interface().(error)
					return out[0].Interface(), err
				},
			})
		}
	}
	slices.SortFunc(all, func(a, b operation) int { return strings.Compare(a.service+a.name, b.service+b.name) })
	return all
}

// fill gives every member of v a value other than zero, so that a lost member shows.
func fill(v reflect.Value) {
	switch v.Type() {
	case reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(time.UnixMilli(1515531081500).UTC()))
		return
	case reflect.TypeFor[ddbtypes.AttributeValue]():
		v.Set(reflect.ValueOf(attributeOfEveryType()))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			name := v.Type().Field(i).Name
			if v.Type().Field(i).IsExported() && name != "ResultMetadata" && name != "ErrorCodeOverride" {
				fill(v.Field(i))
			}
		}
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for _, key := range []string{"k1", "k2"} {
			element := reflect.New(v.Type().Elem()).Elem()
			fill(element)
			v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), element)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range 2 {
			fill(v.Index(i))
		}
	case reflect.String:
		v.SetString(`text <&> "é"` + "\n")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Uint8:
		v.SetUint(0xfe)
	case reflect.Int32, reflect.Int64:
		v.SetInt(7)
	case reflect.Float32, reflect.Float64:
		v.SetFloat(2.5)
	default:
		panic("a kind that no test value is known for: " + v.Type().String())
	}
}

func attributeOfEveryType() ddbtypes.AttributeValue {
	return &ddbtypes.AttributeValueMemberM{Value: map[string]ddbtypes.AttributeValue{
		"s": &ddbtypes.AttributeValueMemberS{Value: "é\"\\"}, "n": &ddbtypes.AttributeValueMemberN{Value: "1.5"},
		"b":  &ddbtypes.AttributeValueMemberB{Value: []byte{0, 255}},
		"t":  &ddbtypes.AttributeValueMemberBOOL{Value: true},
		"0":  &ddbtypes.AttributeValueMemberNULL{Value: true},
		"ss": &ddbtypes.AttributeValueMemberSS{Value: []string{"a", "b"}},
		"ns": &ddbtypes.AttributeValueMemberNS{Value: []string{"1", "2"}},
		"bs": &ddbtypes.AttributeValueMemberBS{Value: [][]byte{{1}, {2}}},
		"l": &ddbtypes.AttributeValueMemberL{Value: []ddbtypes.AttributeValue{
			&ddbtypes.AttributeValueMemberS{}, &ddbtypes.AttributeValueMemberM{Value: map[string]ddbtypes.AttributeValue{}},
		}},
	}}
}

func TestEveryOperationRoundTripsWithTheSDKsOwnClient(t *testing.T) {
	codec := wire.New()
	var (
		request  []byte
		response []byte
	)
	all := operations(clients(func(r *http.Request) (*http.Response, error) {
		var err error
		request, err = io.ReadAll(r.Body)
		return answer(response), err
	}))
	if len(all) < 100 {
		t.Fatalf("only %d operations were found", len(all))
	}
	for _, op := range all {
		t.Run(op.service+"/"+op.name, func(t *testing.T) {
			sent, want := reflect.New(op.input), reflect.New(op.output)
			fill(sent.Elem())
			fill(want.Elem())
			var err error
			if response, err = codec.Encode(want.Interface()); err != nil {
				t.Fatal(err)
			}
			got, err := op.call(t.Context(), sent.Interface())
			if err != nil {
				t.Fatal(err)
			}
			reflect.ValueOf(got).Elem().FieldByName("ResultMetadata").SetZero()
			if !reflect.DeepEqual(got, want.Interface()) {
				t.Errorf("the client read %s\nas   %+v\nwant %+v", response, got, want.Interface())
			}

			received, known := codec.OperationInput(op.service, op.name)
			if !known {
				t.Fatal("the operation is not listed")
			}
			if err := codec.Decode(request, received); err != nil {
				t.Fatalf("decoding %s: %v", request, err)
			}
			if !reflect.DeepEqual(received, sent.Interface()) {
				t.Errorf("the client sent %s\nread as %+v\nwant    %+v", request, received, sent.Interface())
			}
		})
	}
}

func TestAnOperationOrServiceTheSDKDoesNotHaveIsUnknown(t *testing.T) {
	for _, name := range [][2]string{{wire.DynamoDB, "SendMessage"}, {wire.DynamoDB, ""}, {"kinesis", "PutRecord"}} {
		if input, known := wire.New().OperationInput(name[0], name[1]); known {
			t.Errorf("%v gave %T", name, input)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	tests := []struct{ name, body, code, message string }{
		{"a number where N wants a string", `{"Key":{"k":{"N":5}}}`, "SerializationException", "NUMBER_VALUE cannot be converted to String"},
		{"a boolean in a string", `{"TableName":true}`, "SerializationException", "TRUE_VALUE cannot be converted to String"},
		{"an object in a string", `{"TableName":{}}`, "SerializationException", "Start of structure or map found where not expected."},
		{"a string in a boolean", `{"Key":{"k":{"BOOL":"true"}}}`, "SerializationException", "STRING_VALUE cannot be converted to Boolean"},
		{"a list for a map", `{"Key":[]}`, "SerializationException", "Start of structure or map found where not expected."},
		{"a scalar for a map", `{"Key":"k"}`, "SerializationException", "Unexpected token received from parser"},
		{"bad base64", `{"Key":{"k":{"B":"*"}}}`, "SerializationException", "cannot be converted to Blob"},
		{"a number in a set of strings", `{"Key":{"k":{"SS":["a",1]}}}`, "SerializationException", "NUMBER_VALUE cannot be converted to String"},
		{"an attribute value without a type", `{"Key":{"k":{}}}`, "ValidationException", "Supplied AttributeValue is empty"},
		{"an attribute value of a type that does not exist", `{"Key":{"k":{"X":["a"]}}}`, "ValidationException", "Supplied AttributeValue is empty"},
		{"an attribute value of two types", `{"Key":{"k":{"S":"a","N":"1"}}}`, "ValidationException", "more than one datatypes"},
		{"a body that ends early", `{"TableName":"t"`, "SerializationException", "Unexpected token received from parser"},
		{"a body that goes on", `{"TableName":"t"}{}`, "SerializationException", "Unexpected token received from parser"},
		{"an empty body", ``, "SerializationException", "Unexpected token received from parser"},
		{"a body that is no object", `["t"]`, "SerializationException", "Start of structure or map found where not expected."},
		{"bottomless nesting", `{"Key":{"k":` + strings.Repeat(`{"L":[`, 1000), "SerializationException", "levels deep"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := wire.New().Decode([]byte(test.body), &dynamodb.GetItemInput{})
			var api interface{ ErrorCode() string }
			if !errors.As(err, &api) || api.ErrorCode() != test.code || !strings.Contains(err.Error(), test.message) {
				t.Errorf("got %v, want %s: %s", err, test.code, test.message)
			}
		})
	}
}

func TestDecodeSkipsWhatTheStructDoesNotHave(t *testing.T) {
	var input dynamodb.GetItemInput
	err := wire.New().Decode([]byte(`{"New":{"a":[1,{"b":null}]},"ConsistentRead":null,"TableName":"t","Other":[[]],"tablename":"x"}`), &input)
	if err != nil || aws.ToString(input.TableName) != "t" || input.ConsistentRead != nil {
		t.Errorf("got %+v, %v", input, err)
	}
}

func TestEncodeWritesMapsInOrderAndLeavesOutWhatIsNotSet(t *testing.T) {
	tests := []struct {
		name string
		out  any
		want string
	}{
		{"zero counts are written", &dynamodb.ScanOutput{}, `{"Count":0,"ScannedCount":0}`},
		{"nothing set", &sqs.ReceiveMessageOutput{}, `{}`},
		{"keys are sorted", &sqs.GetQueueAttributesOutput{Attributes: map[string]string{"b": "2", "a": "1", "c": ""}}, `{"Attributes":{"a":"1","b":"2","c":""}}`},
		{"times are seconds", &sfn.StartExecutionOutput{StartDate: aws.Time(time.UnixMilli(1515531081123))}, `{"startDate":1515531081.123}`},
		{"an error's message", &ddbtypes.ConditionalCheckFailedException{
			Message: aws.String("no"), Item: map[string]ddbtypes.AttributeValue{"k": &ddbtypes.AttributeValueMemberS{Value: "v"}},
		}, `{"message":"no","Item":{"k":{"S":"v"}}}`},
		{"an error's list", &ddbtypes.ThrottlingException{ThrottlingReasons: []ddbtypes.ThrottlingReason{
			{Reason: aws.String("r"), Resource: aws.String("arn")},
		}}, `{"throttlingReasons":[{"reason":"r","resource":"arn"}]}`},
		{"an error under a legacy code", &sqstypes.QueueDoesNotExist{ErrorCodeOverride: aws.String("AWS.SimpleQueueService.NonExistentQueue")}, `{}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := wire.New().Encode(test.out)
			if err != nil || string(got) != test.want {
				t.Errorf("got %s, %v; want %s", got, err, test.want)
			}
		})
	}
}

func TestEncodeRefusesWhatHasNoJSONForm(t *testing.T) {
	nan := float32(0)
	nan /= nan
	for _, out := range []any{
		nil, 5, &sfn.DescribeMapRunOutput{ToleratedFailurePercentage: nan},
		&dynamodb.GetItemOutput{Item: map[string]ddbtypes.AttributeValue{"k": nil}},
	} {
		if got, err := wire.New().Encode(out); err == nil {
			t.Errorf("%+v became %s", out, got)
		}
	}
}

// FuzzDecode: what Decode accepts, Encode writes so that Decode reads the same again.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"TableName":"t","Key":{"k":{"S":"é"}},"ExpressionAttributeValues":{":v":{"L":[{"N":"1"},{"M":{"a":{"BS":["AA=="]}}}]}}}`))
	f.Add([]byte(`{"Key":{"k":{"N":5}},"unknown":[{}],"ReturnValues":"ALL_NEW"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		codec := wire.New()
		var first, second dynamodb.UpdateItemInput
		if codec.Decode(body, &first) != nil {
			return
		}
		encoded, err := codec.Encode(&first)
		if err != nil {
			t.Fatalf("%q was read but cannot be written: %v", body, err)
		}
		if err := codec.Decode(encoded, &second); err != nil {
			t.Fatalf("%s cannot be read back: %v", encoded, err)
		}
		again, err := codec.Encode(&second)
		if err != nil || !bytes.Equal(encoded, again) {
			t.Fatalf("%s became %s, %v", encoded, again, err)
		}
	})
}

// claim is the request of a worker's heartbeat.
const claim = `{"TableName":"webordinary-active-jobs","Key":{"projectUserId":{"S":"amelia#scott"}},` +
	`"UpdateExpression":"SET leaseExpiresAt = :lease, expiresAt = :expires","ConditionExpression":"fence = :fence AND workerId = :worker",` +
	`"ExpressionAttributeValues":{":lease":{"N":"1700000000000"},":expires":{"N":"1700003600"},":fence":{"N":"1700000000001"},":worker":{"S":"worker-1"}},` +
	`"ReturnValues":"ALL_NEW","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}`

func BenchmarkDecodeUpdateItem(b *testing.B) {
	codec := wire.New()
	b.ReportAllocs()
	for b.Loop() {
		var input dynamodb.UpdateItemInput
		if err := codec.Decode([]byte(claim), &input); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeUpdateItemOutput(b *testing.B) {
	codec := wire.New()
	out := &dynamodb.UpdateItemOutput{Attributes: map[string]ddbtypes.AttributeValue{}}
	for i := range 10 {
		out.Attributes[fmt.Sprint("attribute", i)] = &ddbtypes.AttributeValueMemberS{Value: "value"}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := codec.Encode(out); err != nil {
			b.Fatal(err)
		}
	}
}
