package jobgraph_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/millrace-io/millrace/connect"
	"github.com/millrace-io/millrace/internal/expr"
	. "github.com/millrace-io/millrace/internal/jobgraph"
	"github.com/millrace-io/millrace/types"
)

func specsOf() []Spec {
	call := AggCall{Func: "LISTAGG", Args: []int{1, 2}, ArgTypes: []types.Type{types.TString, types.TString}, Filter: -1, Ret: types.TString, Consts: []any{nil, "|"}}
	cond := expr.Column(0, types.TBoolean)
	schema := types.Schema{{Name: "a", Type: types.TBigInt}}
	return []Spec{
		&Calc{Filter: cond, Project: []*expr.Expr{expr.Literal(types.TBigInt, int64(1)<<60+1)}},
		&Values{Rows: [][]*expr.Expr{{expr.Text("x")}}, Types: schema.Types()},
		&GroupAgg{Keys: []int{0}, Aggs: []AggCall{call}, Phase: Local, Fold: true, FoldRows: 5, InputTypes: schema.Types()},
		&WindowTVF{Window: Window{WKind: Hop, Time: 1, Size: 10, Slide: 2, Zone: "UTC", Granule: 1000}, Types: []types.Type{types.TInt, types.TimestampOf(3)}},
		&WindowAgg{Window: Window{Time: -1, Start: 1, End: 2}, Props: []WindowProp{WindowStart, WindowTime}},
		&Join{JoinKind: Left, LeftKeys: []int{0}, RightKeys: []int{1}, NullSafe: []bool{true}, Cond: cond, SendBefore: true},
		&MultiJoin{Inputs: []MultiInput{{Keys: []int{0}, TTLMs: 5}, {Keys: []int{1}}, {Keys: []int{0}}}, SendBefore: true},
		&HashJoin{JoinKind: Full, BuildLeft: true},
		&IntervalJoin{Lower: -5, Upper: 7},
		&WindowJoin{JoinKind: Anti, LeftStart: 1, LeftEnd: 2, RightStart: 3, RightEnd: 4},
		&TemporalJoin{LeftTime: 1, RightTime: 2},
		&LookupJoin{LeftKeys: []int{1}, Source: &Source{Connector: "c"}, RetryMax: 2},
		&CurrentJoin{LeftKeys: []int{1}, Await: true},
		&Correlate{JoinKind: Left, Func: "UNNEST", Args: []*expr.Expr{expr.Column(0, types.ArrayOf(types.TInt))}, Ordinality: true, Types: []types.Type{types.TInt, types.TInt}},
		&Rank{Order: []SortKey{{Col: 1, Desc: true}}, From: 1, To: 3, Input: RankUpdateFast, WindowEnd: -1},
		&Dedup{Keys: []int{0}, Time: -1, KeepLast: true},
		&Over{Calls: []OverCall{{AggCall: call, Frame: Frame{Rows: true, From: FrameBound{Offset: -3}}}}, Time: -1},
		&Match{Partition: []int{0}, Order: []SortKey{{Col: 1}}, Time: 1, Vars: []MatchVar{{Name: "A", Min: 1, Max: -1, Reluctant: true, Cond: cond}},
			Skip: SkipToLast, Within: 5, Refs: []MatchRef{{RefKind: MatchAgg, Var: AllVars, Call: &call, Type: types.TString}}, Measures: []*expr.Expr{cond}},
		&Sort{From: 1, To: -1, Time: -1}, &Limit{From: 2, To: 3}, &Normalize{Keys: []int{0}}, &DropBefore{}, &Materialize{Keys: []int{0}},
		&Sink{Connector: "print", Table: connect.Table{Name: "t", Schema: schema, Metadata: map[int]string{0: "k"}, Options: connect.Options{"a": "b"}},
			Write: connect.Write{JobID: "j", Static: map[int]string{0: "x"}}, NotNull: []int{0}, Lengths: LengthsFit, Nested: NestedRows},
		&Collect{Types: schema.Types()},
	}
}

// What goes through JSON comes back as it was, constants with their Go types.
func TestRoundTrip(t *testing.T) {
	schema := types.Schema{{Name: "a", Type: types.TBigInt}, {Name: "d", Type: types.DecimalOf(30, 2)}}
	g := &Graph{ID: "job", Name: "n", Batch: true, Parallelism: 2, MaxParallelism: 128, Options: map[string]string{"k": "v"},
		Edges: []Edge{{From: 0, To: 1, Ship: Hash, Keys: []int{0}, Priority: 1, Blocking: true}}}
	src := &Source{ID: "s", Connector: "datagen", Table: connect.Table{Name: "t", Schema: schema}, Output: schema,
		Scan: connect.Scan{Columns: []int{0, 1}, Limit: -1, Seed: 1<<63 + 5, Predicates: []connect.Predicate{
			{Column: 0, Op: connect.In, Values: []any{int64(1)<<60 + 1, int64(2)}}, {Column: 1, Op: connect.Ge, Values: []any{types.Int128{Lo: 3, Hi: 4}}}}},
		Watermark: &Watermark{Expr: expr.Column(0, types.TimestampOf(3)), IntervalMs: 200}}
	v := Vertex{Name: "v", Parallelism: 2, Source: src}
	for _, s := range specsOf() {
		v.Ops = append(v.Ops, Op{ID: s.Kind(), Name: s.Kind() + "()", Spec: s, Output: schema, Kinds: "I,UA"})
	}
	g.Vertices = []Vertex{v}
	data, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	back := new(Graph)
	if err := json.Unmarshal(data, back); err != nil {
		t.Fatal(err)
	}
	for i, op := range back.Vertices[0].Ops {
		if want := g.Vertices[0].Ops[i]; !reflect.DeepEqual(op, want) {
			t.Errorf("%s:\n got %#v\nwant %#v", want.Name, op.Spec, want.Spec)
		}
	}
	if !reflect.DeepEqual(back.Vertices[0].Source, src) {
		t.Errorf("source:\n got %#v\nwant %#v", back.Vertices[0].Source, src)
	}
	if again, _ := json.Marshal(back); string(again) != string(data) {
		t.Errorf("encoded again:\n got %s\nwant %s", again, data)
	}
}

func TestUnknownKind(t *testing.T) {
	if _, err := UnmarshalSpec([]byte(`{"kind":"Nonsense"}`)); err == nil {
		t.Fatal("no error")
	}
}
