package determinism

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// harmlessPackages have no functions with effects that a loop over a map is likely to call.
var harmlessPackages = []string{
	"strings", "slices", "maps", "bytes", "strconv", "cmp", "time", "fmt", "errors", "github.com/aws/aws-sdk-go-v2/aws",
}

// pure says whether computing e has no effects: it calls only builtins, conversions, and functions
// without effects.
func (c *checker) pure(e ast.Node) bool {
	pure := true
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			pure = pure && c.harmless(n)
		case *ast.FuncLit:
			return false // its body does not run here
		}
		return pure
	})
	return pure
}

func (c *checker) harmless(call *ast.CallExpr) bool {
	if c.pass.TypesInfo.Types[call.Fun].IsType() || c.pass.TypesInfo.Types[call.Fun].IsBuiltin() {
		return true
	}
	var name *ast.Ident
	switch function := call.Fun.(type) {
	case *ast.Ident:
		name = function
	case *ast.SelectorExpr:
		name = function.Sel
	default:
		return false
	}
	function, ok := c.pass.TypesInfo.Uses[name].(*types.Func)
	if !ok || function.Pkg() == nil {
		return false
	}
	if function.Pkg() != c.pass.Pkg {
		return slices.Contains(harmlessPackages, function.Pkg().Path())
	}
	return c.computes(function)
}

// computes says whether a function of the package only computes: it sets only its own variables,
// and calls only functions that compute. A call of itself adds nothing.
func (c *checker) computes(function *types.Func) bool {
	if known, ok := c.known[function]; ok {
		return known
	}
	c.known[function] = true
	declaration := c.declarations[function]
	computes := declaration != nil && declaration.Body != nil && c.setsOnlyItsOwn(declaration) && c.pure(declaration.Body)
	c.known[function] = computes
	return computes
}

func (c *checker) setsOnlyItsOwn(f *ast.FuncDecl) bool {
	own := true
	check := func(to ast.Expr) {
		from := f.Pos()
		for {
			index, ok := to.(*ast.IndexExpr)
			if !ok {
				break
			}
			to, from = index.X, f.Body.Pos() // the entries of a map or slice that it was given are not its own
		}
		name, ok := to.(*ast.Ident)
		if !ok {
			own = false
			return
		}
		object := c.pass.TypesInfo.ObjectOf(name)
		own = own && (name.Name == "_" || (object != nil && object.Pos() >= from && object.Pos() < f.End()))
	}
	ast.Inspect(f.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.AssignStmt:
			if n.Tok != token.DEFINE {
				for _, to := range n.Lhs {
					check(to)
				}
			}
		case *ast.IncDecStmt:
			check(n.X)
		case *ast.SendStmt, *ast.GoStmt, *ast.DeferStmt:
			own = false
		case *ast.CallExpr:
			if name, ok := n.Fun.(*ast.Ident); ok && (name.Name == "delete" || name.Name == "clear" || name.Name == "copy") {
				own = false
			}
		}
		return own
	})
	return own
}

// declarationsOf finds the body of each function of the package.
func declarationsOf(files []*ast.File, info *types.Info) map[*types.Func]*ast.FuncDecl {
	found := map[*types.Func]*ast.FuncDecl{}
	for _, file := range files {
		for _, declaration := range file.Decls {
			if f, ok := declaration.(*ast.FuncDecl); ok {
				if function, ok := info.Defs[f.Name].(*types.Func); ok {
					found[function] = f
				}
			}
		}
	}
	return found
}
