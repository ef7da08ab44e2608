package jobgraph

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/expr"
	"github.com/millrace-io/millrace/types"
)

// specs makes an empty Spec of each kind.
var specs = map[string]func() Spec{}

func init() {
	for _, f := range []func() Spec{
		func() Spec { return new(Calc) }, func() Spec { return new(Values) }, func() Spec { return new(Expand) }, func() Spec { return new(GroupAgg) },
		func() Spec { return new(WindowTVF) }, func() Spec { return new(WindowAgg) }, func() Spec { return new(Join) }, func() Spec { return new(MultiJoin) },
		func() Spec { return new(HashJoin) }, func() Spec { return new(IntervalJoin) }, func() Spec { return new(WindowJoin) },
		func() Spec { return new(TemporalJoin) }, func() Spec { return new(LookupJoin) }, func() Spec { return new(CurrentJoin) }, func() Spec { return new(Rank) }, func() Spec { return new(Dedup) },
		func() Spec { return new(Over) }, func() Spec { return new(Sort) }, func() Spec { return new(Limit) },
		func() Spec { return new(Normalize) }, func() Spec { return new(DropBefore) }, func() Spec { return new(Materialize) },
		func() Spec { return new(Sink) }, func() Spec { return new(Collect) }, func() Spec { return new(Correlate) },
		func() Spec { return new(Match) }, func() Spec { return new(Keep) }, func() Spec { return new(Stamp) }, func() Spec { return new(Conflict) },
	} {
		specs[f().Kind()] = f
	}
}

// MarshalSpec writes a spec with its kind in front: {"kind": "GroupAgg", "Keys": …}.
func MarshalSpec(s Spec) ([]byte, error) {
	if s == nil {
		return []byte("null"), nil
	}
	body, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", s.Kind(), err)
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `{"kind":%q`, s.Kind())
	if len(body) > 2 {
		out.WriteByte(',')
	}
	out.Write(body[1:])
	return out.Bytes(), nil
}

// UnmarshalSpec reads what MarshalSpec wrote.
func UnmarshalSpec(data []byte) (Spec, error) {
	if string(data) == "null" {
		return nil, nil
	}
	var head struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(data, &head); err != nil {
		return nil, err
	}
	f := specs[head.Kind]
	if f == nil {
		return nil, fmt.Errorf("operator of unknown kind %q", head.Kind)
	}
	s := f()
	if err := json.Unmarshal(data, s); err != nil {
		return nil, fmt.Errorf("decode %s: %w", head.Kind, err)
	}
	return s, nil
}

type jsonOp struct {
	ID     string
	Name   string
	Spec   json.RawMessage
	Output types.Schema
	Kinds  string `json:",omitempty"`
}

// MarshalJSON implements json.Marshaler.
func (o Op) MarshalJSON() ([]byte, error) {
	spec, err := MarshalSpec(o.Spec)
	if err != nil {
		return nil, err
	}
	return json.Marshal(jsonOp{o.ID, o.Name, spec, o.Output, o.Kinds})
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *Op) UnmarshalJSON(data []byte) error {
	var j jsonOp
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	spec, err := UnmarshalSpec(j.Spec)
	if err != nil {
		return fmt.Errorf("%s: %w", j.Name, err)
	}
	*o = Op{ID: j.ID, Name: j.Name, Spec: spec, Output: j.Output, Kinds: j.Kinds}
	return nil
}

// Constants have the Go types of expr's literals, which JSON by itself does not
// keep: they travel as constant expressions.

func constants(values []any, typeOf func(i int) types.Type) []*expr.Expr {
	out := make([]*expr.Expr, len(values))
	for i, v := range values {
		if v != nil {
			out[i] = expr.Literal(typeOf(i), v)
		}
	}
	return out
}

func values(list []*expr.Expr) []any {
	if list == nil {
		return nil
	}
	out := make([]any, len(list))
	for i, e := range list {
		if e != nil {
			out[i] = e.Value
		}
	}
	return out
}

type plainCall AggCall

type jsonCall struct {
	plainCall
	Consts []*expr.Expr `json:",omitempty"`
	Frame  *Frame       `json:",omitempty"`
}

func (a AggCall) toJSON() jsonCall {
	j := jsonCall{plainCall: plainCall(a)}
	j.plainCall.Consts = nil
	if slices.ContainsFunc(a.Consts, func(v any) bool { return v != nil }) {
		j.Consts = constants(a.Consts, func(i int) types.Type { return a.ArgTypes[i] })
	}
	return j
}

func (j jsonCall) call() AggCall {
	a := AggCall(j.plainCall)
	a.Consts = values(j.Consts)
	return a
}

// MarshalJSON implements json.Marshaler.
func (a AggCall) MarshalJSON() ([]byte, error) { return json.Marshal(a.toJSON()) }

// UnmarshalJSON implements json.Unmarshaler.
func (a *AggCall) UnmarshalJSON(data []byte) error {
	var j jsonCall
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*a = j.call()
	return nil
}

// MarshalJSON implements json.Marshaler.
func (c OverCall) MarshalJSON() ([]byte, error) {
	j := c.toJSON()
	j.Frame = &c.Frame
	return json.Marshal(j)
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *OverCall) UnmarshalJSON(data []byte) error {
	var j jsonCall
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	c.AggCall = j.call()
	if j.Frame != nil {
		c.Frame = *j.Frame
	}
	return nil
}

type plainSource Source

type jsonSource struct {
	plainSource
	Predicates []jsonPredicate `json:",omitempty"`
}

type jsonPredicate struct {
	Column int
	Op     predicateOp
	Values []*expr.Expr
}

// MarshalJSON implements json.Marshaler.
func (s Source) MarshalJSON() ([]byte, error) {
	j := jsonSource{plainSource: plainSource(s)}
	for _, p := range s.Scan.Predicates {
		t := s.Table.Schema[p.Column].Type
		j.Predicates = append(j.Predicates, jsonPredicate{p.Column, predicateOp(p.Op), constants(p.Values, func(int) types.Type { return t })})
	}
	j.Scan.Predicates = nil
	return json.Marshal(j)
}

// UnmarshalJSON implements json.Unmarshaler.
func (s *Source) UnmarshalJSON(data []byte) error {
	var j jsonSource
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*s = Source(j.plainSource)
	for _, p := range j.Predicates {
		s.Scan.Predicates = append(s.Scan.Predicates, connect.Predicate{Column: p.Column, Op: connect.PredicateOp(p.Op), Values: values(p.Values)})
	}
	return nil
}
