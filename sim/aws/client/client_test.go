package client_test

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/webordinary/hephaestus/sim/aws/client"
)

var errThrottled = errors.New("throttled")

// clients are all clients over a call, by service.
func clients(call client.Call) map[string]any {
	return map[string]any{
		"dynamodb": client.NewDynamoDB(call), "sqs": client.NewSQS(call), "states": client.NewStepFunctions(call),
		"s3": client.NewS3(call), "lambda": client.NewLambda(call),
	}
}

// invoke calls a client's method with an empty input and no options.
func invoke(ctx context.Context, method reflect.Value) (input any, output any, err error) {
	input = reflect.New(method.Type().In(1).Elem()).Interface()
	results := method.Call([]reflect.Value{reflect.ValueOf(ctx), reflect.ValueOf(input)})
	err, _ = results[1].Interface().(error)
	if results[0].IsNil() {
		return input, nil, err
	}
	return input, results[0].Interface(), err
}

// methods runs a test for each method of each client, with the type of its output.
func methods(t *testing.T, call func(t *testing.T, service, operation string, output reflect.Type) client.Call, check func(t *testing.T, method reflect.Value)) {
	t.Helper()
	for service, c := range clients(nil) {
		kind := reflect.TypeOf(c)
		if kind.NumMethod() == 0 {
			t.Errorf("the client of %s has no methods", service)
		}
		for i := range kind.NumMethod() {
			operation := kind.Method(i)
			t.Run(service+" "+operation.Name, func(t *testing.T) {
				over := call(t, service, operation.Name, operation.Type.Out(0).Elem())
				check(t, reflect.ValueOf(clients(over)[service]).Method(i))
			})
		}
	}
}

func TestEveryMethodIsACallOfItsOperation(t *testing.T) {
	var got, answer any
	methods(t, func(t *testing.T, service, operation string, output reflect.Type) client.Call {
		return func(_ context.Context, gotService, gotOperation string, input any) (any, error) {
			if gotService != service || gotOperation != operation {
				t.Errorf("called %s %s", gotService, gotOperation)
			}
			if want := reflect.TypeOf(input).Elem().Name(); want != operation+"Input" {
				t.Errorf("called with %s", want)
			}
			got, answer = input, reflect.New(output).Interface()
			return answer, nil
		}
	}, func(t *testing.T, method reflect.Value) {
		input, output, err := invoke(t.Context(), method)
		if err != nil || output != answer || got != input {
			t.Errorf("answered %v, %v; want the call's own answer to the very input", output, err)
		}
	})
}

func TestAnErrorIsTheCallsOwn(t *testing.T) {
	methods(t, func(*testing.T, string, string, reflect.Type) client.Call {
		return func(context.Context, string, string, any) (any, error) { return nil, errThrottled }
	}, func(t *testing.T, method reflect.Value) {
		if _, output, err := invoke(t.Context(), method); err != errThrottled || output != nil {
			t.Errorf("answered %v, %v", output, err)
		}
	})
}

func TestAnOutputOfAnotherTypeIsAnError(t *testing.T) {
	methods(t, func(*testing.T, string, string, reflect.Type) client.Call {
		return func(context.Context, string, string, any) (any, error) { return &struct{}{}, nil }
	}, func(t *testing.T, method reflect.Value) {
		if _, output, err := invoke(t.Context(), method); err == nil || output != nil || !strings.Contains(err.Error(), "*struct {}") {
			t.Errorf("answered %v, %v", output, err)
		}
	})
}
