package scalar

import (
	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

func init() {
	ltz := types.LTZOf(3).Nullable(false)
	proc := ltz
	proc.Proctime = true
	instant := func(_ *types.Zone, now int64) int64 { return now / types.Milli * types.Milli }
	local := func(z *types.Zone, now int64) int64 { return z.Local(now) / types.Milli * types.Milli }
	date := func(z *types.Zone, now int64) int32 { d, _ := types.DayOf(z.Local(now)); return int32(d) }
	clock := func(z *types.Zone, now int64) int32 {
		_, rest := types.DayOf(z.Local(now))
		return int32(rest / types.Second * 1000)
	}
	fn.Register(
		kernel.Alias(nowFunc("CURRENT_TIMESTAMP", "this moment", ltz, true, instant), "NOW"),
		nowFunc("CURRENT_ROW_TIMESTAMP", "the moment at which the row is evaluated, in a batch too", ltz, false, instant),
		nowFunc("PROCTIME", "the processing time", proc, false, instant),
		nowFunc("LOCALTIMESTAMP", "this moment in the session's zone", types.TimestampOf(3).Nullable(false), true, local),
		nowFunc("CURRENT_DATE", "today in the session's zone", types.TDate.Nullable(false), true, date),
		kernel.Alias(nowFunc("CURRENT_TIME", "the time of day in the session's zone", types.Of(types.Time).Nullable(false), true, clock), "LOCALTIME"),
		kernel.Define("CURRENT_WATERMARK", doc("temporal", "CURRENT_WATERMARK(rowtime)", "the watermark that this operator has reached, NULL before the first", "CURRENT_WATERMARK(ts)"),
			kernel.Sig{Args: []kernel.Want{kernel.Stamp}, Of: func(a []types.Type) types.Type { return types.Type{Kind: a[0].Kind, Prec: 3} }, NullsIn: true, MayBeNull: true, Eval: evalWatermark}),
	)
	fn.Lookup("CURRENT_WATERMARK").Volatile = true
}

// nowFunc is a function of the clock: of the row's time in a stream, and, where
// it is constant, of the query's start in a batch.
func nowFunc[R vec.Scalar](name, meaning string, t types.Type, constant bool, f func(z *types.Zone, now int64) R) *fn.Func {
	eval := func(c *fn.Call, _ []vec.Vector, _ []int32, n int) (vec.Vector, error) {
		v := f(zoneOf(c), clockOf(c.Env, constant))
		return &vec.Const{Val: &vec.Fixed[R]{Vals: []R{v}}, N: n}, nil
	}
	form := name
	if !constant {
		form += "()"
	}
	return &fn.Func{Name: name, Doc: doc("temporal", form, meaning, form), Volatile: true, Constant: constant,
		Resolve: func(args []fn.Arg) (*fn.Impl, error) {
			if len(args) > 0 && !(len(args) == 1 && args[0].Type.Integer()) { // a precision
				return nil, kernel.TooMany(name, args)
			}
			impl := &fn.Impl{Ret: t, NullsIn: true, Eval: eval}
			for _, a := range args {
				impl.Args = append(impl.Args, a.Type)
			}
			return impl, nil
		}}
}

func clockOf(env *fn.Env, constant bool) int64 {
	switch {
	case env == nil:
		return 0
	case env.Now == nil || constant && !env.Streaming:
		return env.QueryStart
	}
	return env.Now()
}

func evalWatermark(c *fn.Call, _ []vec.Vector, _ []int32, n int) (vec.Vector, error) {
	if c.Env != nil && c.Env.Watermark != nil {
		if w, ok := c.Env.Watermark(); ok {
			return &vec.Const{Val: &vec.Fixed[int64]{Vals: []int64{w}}, N: n}, nil
		}
	}
	return vec.Nulls(c.Ret, n), nil
}
