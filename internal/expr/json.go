package expr

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/big"
	"strconv"

	"github.com/millrace-io/millrace/types"
)

// jsonExpr is the form of an Expr in a job graph. A constant's value is a text
// that is read back by the constant's type, so that no integer passes through a
// float64 and no byte string through UTF-8.
type jsonExpr struct {
	Op    string     `json:"op"`
	Type  types.Type `json:"type"`
	Index int        `json:"index,omitempty"`
	Value *string    `json:"value,omitempty"`
	Func  string     `json:"func,omitempty"`
	Args  []*Expr    `json:"args,omitempty"`
}

var opNames = [...]string{Col: "col", Lit: "lit", Call: "call"}

// MarshalJSON implements json.Marshaler.
func (e *Expr) MarshalJSON() ([]byte, error) {
	j := jsonExpr{Op: opNames[e.Op], Type: e.Type, Index: e.Index, Func: e.Func, Args: e.Args}
	if e.Op == Lit && e.Value != nil {
		text, err := valueText(e.Type, e.Value)
		if err != nil {
			return nil, err
		}
		j.Value = &text
	}
	return json.Marshal(j)
}

// UnmarshalJSON implements json.Unmarshaler.
func (e *Expr) UnmarshalJSON(data []byte) error {
	var j jsonExpr
	if err := json.Unmarshal(data, &j); err != nil {
		return err
	}
	*e = Expr{Type: j.Type, Index: j.Index, Func: j.Func, Args: j.Args}
	switch j.Op {
	case "col":
		e.Op = Col
	case "lit":
		e.Op = Lit
	case "call":
		e.Op = Call
	default:
		return fmt.Errorf("expression of unknown kind %q", j.Op)
	}
	if j.Value == nil {
		return nil
	}
	var err error
	e.Value, err = valueOf(j.Type, *j.Value)
	return err
}

func valueText(t types.Type, v any) (string, error) {
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case types.Int128:
		return v.String(), nil
	case string:
		if t.Bytes() || t.Coded() {
			return base64.StdEncoding.EncodeToString([]byte(v)), nil
		}
		return v, nil
	}
	return "", fmt.Errorf("a constant of type %s cannot hold a %T", t, v)
}

func valueOf(t types.Type, text string) (any, error) {
	switch t.Phys() {
	case types.PhysBool:
		return strconv.ParseBool(text)
	case types.PhysInt8, types.PhysInt16, types.PhysInt32, types.PhysInt64:
		return strconv.ParseInt(text, 10, 64)
	case types.PhysFloat32, types.PhysFloat64:
		return strconv.ParseFloat(text, 64)
	case types.PhysInt128:
		b, ok := new(big.Int).SetString(text, 10)
		if !ok {
			return nil, fmt.Errorf("%q is no integer", text)
		}
		return types.Int128FromBig(b), nil
	case types.PhysBytes:
		if t.Bytes() || t.Coded() {
			b, err := base64.StdEncoding.DecodeString(text)
			return string(b), err
		}
		return text, nil
	}
	return nil, fmt.Errorf("a constant of type %s cannot have a value", t)
}
