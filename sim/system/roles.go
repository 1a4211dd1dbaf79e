package system

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/smithy-go"

	"github.com/webordinary/hephaestus/deploy"
	"github.com/webordinary/hephaestus/sim/aws/client"
	"github.com/webordinary/hephaestus/sim/aws/iamcore"
)

// Roles enforces a stack's roles: what no permission allows is refused (IAM User Guide,
// reference_policies_evaluation-logic). It is only read, if used is nil or safe for concurrent use.
type Roles struct {
	machineARN string
	allowed    map[right][]deploy.Permission
	used       func(deploy.Permission)
}

// right is an action of a role.
type right struct{ role, action string }

// NewRoles enforces the roles of the stack. used, if it is not nil, hears by which permission each
// call is allowed.
func NewRoles(stack *deploy.Stack, used func(deploy.Permission)) *Roles {
	r := &Roles{machineARN: stack.StateMachine.ARN, allowed: map[right][]deploy.Permission{}, used: used}
	for _, p := range stack.Permissions {
		is := right{p.Role, p.Action}
		r.allowed[is] = append(r.allowed[is], p)
	}
	return r
}

// Check is nil if the role allows the call.
func (r *Roles) Check(role string, input any) error {
	needs, err := iamcore.Place{Region: Region, AccountID: AccountID}.Needs(input, r.machineARN)
	if err != nil {
		return err
	}
	for _, need := range needs {
		permissions := r.allowed[right{role, need.Action}]
		i := slices.IndexFunc(permissions, func(p deploy.Permission) bool { return p.Covers(need.Resource) })
		if i < 0 {
			return &smithy.GenericAPIError{
				Code: "AccessDeniedException", Fault: smithy.FaultClient,
				Message: fmt.Sprintf("%s is not authorized to perform %s on %s because no identity-based policy allows it", role, need.Action, need.Resource),
			}
		}
		if r.used != nil {
			r.used(permissions[i])
		}
	}
	return nil
}

// As are the calls of whoever has the role.
func (r *Roles) As(role string, call client.Call) client.Call {
	return func(ctx context.Context, service, operation string, input any) (any, error) {
		if err := r.Check(role, input); err != nil {
			return nil, err
		}
		return call(ctx, service, operation, input)
	}
}
