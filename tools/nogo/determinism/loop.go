package determinism

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"slices"
)

// loop is a range over a map.
type loop struct {
	*checker
	body *ast.BlockStmt // of the function around it; nil for none
	of   *ast.RangeStmt
}

// ordered says whether the loop has the same result in any order: it only fills maps, counts, adds
// up integers, looks whether there is an entry of some kind, or gathers what the function sorts
// later.
func (l loop) ordered() bool { return l.block(l.of.Body) }

func (l loop) block(b *ast.BlockStmt) bool {
	return !slices.ContainsFunc(b.List, func(s ast.Stmt) bool { return !l.statement(s) })
}

func (l loop) statement(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.IncDecStmt:
		return true
	case *ast.BlockStmt:
		return l.block(s)
	case *ast.BranchStmt:
		return s.Tok == token.CONTINUE
	case *ast.ReturnStmt: // says that there is an entry of some kind
		return !slices.ContainsFunc(s.Results, func(e ast.Expr) bool { return !l.fixed(e) })
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		return ok && l.builtin(call) == "delete"
	case *ast.IfStmt:
		if (s.Init != nil && !l.statement(s.Init)) || !l.pure(s.Cond) || !l.block(s.Body) {
			return false
		}
		return s.Else == nil || l.statement(s.Else)
	case *ast.RangeStmt:
		return l.pure(s.X) && l.block(s.Body)
	case *ast.AssignStmt:
		return l.assignment(s)
	}
	return false
}

func (l loop) assignment(s *ast.AssignStmt) bool {
	for _, e := range s.Rhs {
		if !l.pure(e) && !l.gathers(s) {
			return false
		}
	}
	switch s.Tok {
	case token.DEFINE:
		return true
	case token.ADD_ASSIGN, token.OR_ASSIGN, token.AND_ASSIGN, token.XOR_ASSIGN:
		if l.within(s.Lhs[0]) || l.ownEntry(s.Lhs[0]) {
			return true
		}
		basic, ok := l.pass.TypesInfo.TypeOf(s.Lhs[0]).Underlying().(*types.Basic)
		return ok && basic.Info()&types.IsInteger != 0
	case token.ASSIGN:
		for i, to := range s.Lhs {
			if !l.intoMap(to) && !l.within(to) && !(len(s.Rhs) == len(s.Lhs) && l.settles(to, s.Rhs[i])) && !l.gathers(s) {
				return false
			}
		}
		return true
	}
	return false
}

// intoMap says whether to is an entry of a map: each entry is set on its own.
func (l loop) intoMap(to ast.Expr) bool {
	index, ok := to.(*ast.IndexExpr)
	if !ok {
		return false
	}
	_, isMap := l.pass.TypesInfo.TypeOf(index.X).Underlying().(*types.Map)
	return isMap
}

// ownEntry says whether to is the entry of a map under the loop's own key, which no other round
// touches.
func (l loop) ownEntry(to ast.Expr) bool {
	index, ok := to.(*ast.IndexExpr)
	return ok && l.of.Key != nil && l.intoMap(to) && same(index.Index, l.of.Key)
}

// within says whether the variable, or what it is a field of, lives in one round of the loop.
func (l loop) within(to ast.Expr) bool {
	for {
		field, ok := to.(*ast.SelectorExpr)
		if !ok {
			break
		}
		if _, pointer := l.pass.TypesInfo.TypeOf(field.X).Underlying().(*types.Pointer); pointer {
			return false
		}
		to = field.X
	}
	name, ok := to.(*ast.Ident)
	if !ok {
		return false
	}
	if name.Name == "_" {
		return true
	}
	object := l.pass.TypesInfo.ObjectOf(name)
	return object != nil && object.Pos() > l.of.Pos() && object.Pos() < l.of.End()
}

// settles says whether to ends up the same in any order: it becomes a constant, or the least or the
// greatest value.
func (l loop) settles(to, from ast.Expr) bool {
	if literal, ok := from.(*ast.CompositeLit); l.fixed(from) || (ok && len(literal.Elts) == 0) {
		return true
	}
	call, ok := from.(*ast.CallExpr)
	if !ok || (l.builtin(call) != "min" && l.builtin(call) != "max") {
		return false
	}
	return slices.ContainsFunc(call.Args, func(a ast.Expr) bool { return same(a, to) })
}

func same(a, b ast.Expr) bool { return types.ExprString(a) == types.ExprString(b) }

// gathers says whether s is list = append(list, …) and the function sorts list after the loop.
func (l loop) gathers(s *ast.AssignStmt) bool {
	if len(s.Lhs) != 1 || len(s.Rhs) != 1 || l.body == nil {
		return false
	}
	call, ok := s.Rhs[0].(*ast.CallExpr)
	if !ok || l.builtin(call) != "append" || !same(call.Args[0], s.Lhs[0]) {
		return false
	}
	sorted := false
	ast.Inspect(l.body, func(n ast.Node) bool {
		later, ok := n.(*ast.CallExpr)
		if ok && later.Pos() > l.of.End() && len(later.Args) > 0 && same(later.Args[0], s.Lhs[0]) {
			sorted = sorted || l.sorts(later)
		}
		return true
	})
	return sorted
}

func (l loop) sorts(call *ast.CallExpr) bool {
	for _, name := range [...]string{"Sort", "SortFunc", "SortStableFunc"} {
		if l.isCallOf(call, "slices", name) {
			return true
		}
	}
	for _, name := range [...]string{"Strings", "Ints", "Slice", "SliceStable", "Sort", "Stable"} {
		if l.isCallOf(call, "sort", name) {
			return true
		}
	}
	return false
}

// fixed says whether e is a constant or nil.
func (l loop) fixed(e ast.Expr) bool {
	tv := l.pass.TypesInfo.Types[e]
	return tv.IsNil() || (tv.Value != nil && tv.Value.Kind() != constant.Unknown)
}

// builtin names the builtin that is called; "" for none.
func (l loop) builtin(call *ast.CallExpr) string {
	if !l.pass.TypesInfo.Types[call.Fun].IsBuiltin() {
		return ""
	}
	if name, ok := call.Fun.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}
