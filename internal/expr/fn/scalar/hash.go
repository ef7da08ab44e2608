package scalar

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"

	"github.com/millrace-io/millrace/internal/expr/fn"
	"github.com/millrace-io/millrace/internal/expr/kernel"
	"github.com/millrace-io/millrace/types"
	"github.com/millrace-io/millrace/vec"
)

// digests append a digest in hexadecimal; SHA2 takes them by their bits.
var (
	md5Of  = func(dst, s []byte) []byte { d := md5.Sum(s); return hex.AppendEncode(dst, d[:]) }
	sha1Of = func(dst, s []byte) []byte { d := sha1.Sum(s); return hex.AppendEncode(dst, d[:]) }
	sha2   = map[int32]func(dst, s []byte) []byte{
		224: func(dst, s []byte) []byte { d := sha256.Sum224(s); return hex.AppendEncode(dst, d[:]) },
		256: func(dst, s []byte) []byte { d := sha256.Sum256(s); return hex.AppendEncode(dst, d[:]) },
		384: func(dst, s []byte) []byte { d := sha512.Sum384(s); return hex.AppendEncode(dst, d[:]) },
		512: func(dst, s []byte) []byte { d := sha512.Sum512(s); return hex.AppendEncode(dst, d[:]) },
	}
)

func init() {
	digest := func(name string, width int, f func(dst, s []byte) []byte) *fn.Func {
		return kernel.Define(name, doc("hash", name+"(s)", "the digest in hexadecimal", name+"('a')"),
			kernel.Sig{Args: []kernel.Want{kernel.TextOrRaw}, Ret: types.Type{Kind: types.Char, Len: width}, Eval: kernel.TextToText(f)})
	}
	fn.Register(
		digest("MD5", 32, md5Of),
		digest("SHA1", 40, sha1Of),
		digest("SHA224", 56, sha2[224]), digest("SHA256", 64, sha2[256]),
		digest("SHA384", 96, sha2[384]), digest("SHA512", 128, sha2[512]),
		kernel.Define("SHA2", doc("hash", "SHA2(s, bits)", "the SHA-2 digest of 224, 256, 384 or 512 bits in hexadecimal", "SHA2('a', 256)"),
			kernel.Sig{Args: []kernel.Want{kernel.TextOrRaw, kernel.Int32}, Ret: varchar(128), MayBeNull: true, Eval: evalSHA2}),
	)
}

func evalSHA2(_ *fn.Call, args []vec.Vector, rows []int32, n int) (vec.Vector, error) {
	s, bits := kernel.Str(args[0]), kernel.Num[int32](args[1])
	return kernel.StrsNull(rows, n, func(dst []byte, i int) ([]byte, bool) {
		f := sha2[bits.At(i)]
		if f == nil {
			return dst, false
		}
		return f(dst, s.At(i)), true
	}), nil
}
