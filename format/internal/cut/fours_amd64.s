#include "textflag.h"

// The constants in ·lanes.
#define unquoted ·lanes+0(SB)
#define one ·lanes+32(SB)
#define seven ·lanes+64(SB)
#define eight ·lanes+96(SB)
#define wordBits ·lanes+128(SB)
#define minus ·lanes+160(SB)
#define notLast ·lanes+192(SB)
#define points ·lanes+224(SB)
#define bytesOne ·lanes+256(SB)
#define sign ·lanes+288(SB)
#define zeros ·lanes+320(SB)
#define nines ·lanes+352(SB)
#define tens ·lanes+384(SB)
#define hundreds ·lanes+416(SB)
#define tenThousand ·lanes+448(SB)
#define upper ·lanes+480(SB)
#define sixteen ·lanes+512(SB)
#define ten ·lanes+544(SB)
#define century ·lanes+576(SB)
#define twelve ·lanes+608(SB)
#define two ·lanes+640(SB)
#define yearDays ·lanes+672(SB)
#define perCentury ·lanes+704(SB)
#define epoch ·lanes+736(SB)
#define dashes ·lanes+768(SB)
#define notDashes ·lanes+800(SB)
#define lower ·lanes+832(SB)
#define higher ·lanes+864(SB)
#define monthDays ·lanes+896(SB)
#define marchLow ·lanes+928(SB)
#define marchHigh ·lanes+960(SB)

// START loads the arguments that all functions have. R9 and R11 are one and three times
// what lies between two cells.
#define START \
	MOVQ out+0(FP), DI     \
	MOVQ cells+8(FP), SI   \
	MOVQ width+16(FP), R9  \
	SHLQ $3, R9            \
	LEAQ (R9)(R9*2), R11   \
	MOVQ n+24(FP), CX      \
	MOVQ data+32(FP), R8   \
	XORQ DX, DX

// CELLS loads four cells that lie below each other into Y0.
#define CELLS \
	VMOVQ       (SI), X0                 \
	VPINSRQ     $1, (SI)(R9*1), X0, X0   \
	VMOVQ       (SI)(R9*2), X1           \
	VPINSRQ     $1, (SI)(R11*1), X1, X1  \
	VINSERTI128 $1, X1, Y0, Y0

// LENGTHS makes Y1 the ends of the cells, and the lower halves of Y2 their lengths.
#define LENGTHS \
	VPSRLQ      $32, Y0, Y1              \
	VPAND       unquoted, Y1, Y1         \
	VPSUBD      Y0, Y1, Y2

// ENDS loads the ends of the four cells into registers.
#define ENDS \
	MOVL 4(SI), AX            \
	MOVL 4(SI)(R9*1), BX      \
	MOVL 4(SI)(R9*2), R12     \
	MOVL 4(SI)(R11*1), R13

// UNQUOTED takes the flag off ends.
#define UNQUOTED \
	ANDL $0x7FFFFFFF, AX      \
	ANDL $0x7FFFFFFF, BX      \
	ANDL $0x7FFFFFFF, R12     \
	ANDL $0x7FFFFFFF, R13

// LAST makes REG where in the data the BYTES of a text may begin, and data point BYTES
// before them.
#define LAST(BYTES, REG) \
	MOVQ size+40(FP), BX       \
	SUBQ $BYTES, BX            \
	SUBQ $BYTES, R8            \
	VMOVQ BX, X0               \
	VPBROADCASTD X0, REG       \
	VPOR upper, REG, REG

// ROWCELLS and ROWENDS are CELLS and ENDS of four cells that lie side by side.
#define ROWCELLS VMOVDQU (SI), Y0
#define ROWENDS \
	MOVL 4(SI), AX            \
	MOVL 12(SI), BX           \
	MOVL 20(SI), R12          \
	MOVL 28(SI), R13

// WORDS loads the texts of four cells, which are up to eight bytes each, to the upper end
// of Y0. Y3 are their bytes but a minus, Y5 is that.
#define WORDS(LOAD, LOADENDS) \
	LOAD                       \
	LENGTHS                    \
	VPSUBD    one, Y2, Y3      \
	VPMINUD   seven, Y3, Y4    \
	VPCMPEQD  Y3, Y4, Y3       \
	VPSUBD    eight, Y1, Y4    \
	VPMINUD   Y14, Y4, Y5      \
	VPCMPEQD  Y4, Y5, Y4       \
	VPAND     Y3, Y4, Y4       \
	VPMOVMSKB Y4, AX           \
	CMPL      AX, $-1          \
	JNE       end              \
	LOADENDS                   \
	UNQUOTED                   \
	VMOVQ       (R8)(AX*1), X0          \
	VPINSRQ     $1, (R8)(BX*1), X0, X0  \
	VMOVQ       (R8)(R12*1), X1         \
	VPINSRQ     $1, (R8)(R13*1), X1, X1 \
	VINSERTI128 $1, X1, Y0, Y0          \
	VPSLLQ    $35, Y2, Y2      \
	VPSRLQ    $32, Y2, Y2      \
	VMOVDQU   wordBits, Y3     \
	VPSUBQ    Y2, Y3, Y2       \
	VPCMPEQD  Y3, Y3, Y3       \
	VPSLLVQ   Y2, Y3, Y3       \
	VPSLLQ    $8, Y3, Y4       \
	VPXOR     Y3, Y4, Y4       \
	VPCMPEQB  minus, Y0, Y5    \
	VPAND     Y4, Y5, Y5       \
	VPAND     notLast, Y5, Y5  \
	VPXOR     Y5, Y3, Y3       \
	VPSUBB    zeros, Y0, Y6    \
	VPAND     Y3, Y6, Y6

// POINT takes the point out of Y6, where digits are. Y7 are the bytes up to it, none if
// there is none.
#define POINT \
	VPCMPEQB points, Y0, Y1    \
	VPAND    Y3, Y1, Y1        \
	VPANDN   Y3, Y1, Y3        \
	VPCMPEQQ Y15, Y3, Y3       \
	VPCMPEQQ Y15, Y1, Y2       \
	VPSUBQ   Y1, Y15, Y4       \
	VPAND    Y1, Y4, Y4        \
	VPSLLQ   $8, Y4, Y7        \
	VPCMPEQD Y0, Y0, Y0        \
	VPADDQ   Y0, Y4, Y4        \
	VPADDQ   Y0, Y7, Y7        \
	VPANDN   Y4, Y2, Y4        \
	VPANDN   Y7, Y2, Y7        \
	VPAND    Y6, Y4, Y4        \
	VPSLLQ   $8, Y4, Y4        \
	VPANDN   Y6, Y7, Y6        \
	VPOR     Y4, Y6, Y6

// DIGITS makes words of eight digits numbers.
#define DIGITS \
	VPMINUB    nines, Y6, Y1       \
	VPCMPEQB   Y6, Y1, Y1          \
	VPMOVMSKB  Y1, AX              \
	CMPL       AX, $-1             \
	JNE        end                 \
	VMOVDQU    tens, Y1            \
	VPMADDUBSW Y1, Y6, Y6          \
	VPMADDWD   hundreds, Y6, Y6    \
	VPSRLQ     $32, Y6, Y1         \
	VPMULUDQ   tenThousand, Y6, Y6 \
	VPADDQ     Y1, Y6, Y6

// SCALE makes Y7 what the table has for the digits behind the point. Y3 says what cannot
// be: it is all zeros, or there is no digit.
#define SCALE \
	VPANDN   bytesOne, Y7, Y7  \
	VPSADBW  Y15, Y7, Y7       \
	VPERMD   Y10, Y7, Y7       \
	VPCMPEQD Y15, Y7, Y1       \
	VPOR     Y1, Y3, Y3

// MINUS makes the numbers negative that have one.
#define MINUS \
	VPCMPEQQ  Y15, Y5, Y5      \
	VPSUBQ    Y6, Y15, Y1      \
	VPBLENDVB Y5, Y6, Y1, Y6

// NEXT goes to the next four cells, or back to four.
#define NEXT(BYTES) \
	ADDQ $BYTES, DI        \
	LEAQ (SI)(R9*4), SI    \
	ADDQ $4, DX            \
	DECQ CX                \
	JNZ  four

// NARROW makes X the lower halves of Y.
#define NARROW(X, Y) \
	VEXTRACTI128 $1, Y, X1   \
	VSHUFPS      $0x88, X1, X, X

// func longsAVX2(out *int64, cells *Cell, width, n int, data *byte, size int) (done int)
TEXT ·longsAVX2(SB), NOSPLIT, $0-56
	START
	LAST(8, Y14)
	VPXOR Y15, Y15, Y15

four:
	WORDS(CELLS, ENDS)
	DIGITS
	MINUS
	VMOVDQU Y6, (DI)
	NEXT(32)

end:
	MOVQ DX, done+48(FP)
	VZEROUPPER
	RET

// ROW makes Y the integers of four cells side by side, and goes to those below them.
#define ROW(Y) \
	WORDS(ROWCELLS, ROWENDS)   \
	DIGITS                     \
	MINUS                      \
	VMOVDQA Y6, Y              \
	ADDQ R9, SI

// func blockAVX2(outs *[4]*int64, cells *Cell, width, n int, data *byte, size int) (done int)
TEXT ·blockAVX2(SB), NOSPLIT, $0-56
	MOVQ outs+0(FP), AX
	MOVQ (AX), DI
	MOVQ 8(AX), R10
	MOVQ 16(AX), R11
	MOVQ 24(AX), R15
	MOVQ cells+8(FP), SI
	MOVQ width+16(FP), R9
	SHLQ $3, R9
	MOVQ n+24(FP), CX
	MOVQ data+32(FP), R8
	XORQ DX, DX
	LAST(8, Y14)
	VPXOR Y15, Y15, Y15

four:
	ROW(Y8)
	ROW(Y9)
	ROW(Y10)
	ROW(Y11)
	VPUNPCKLQDQ Y9, Y8, Y0
	VPUNPCKHQDQ Y9, Y8, Y1
	VPUNPCKLQDQ Y11, Y10, Y2
	VPUNPCKHQDQ Y11, Y10, Y3
	VINSERTI128 $1, X2, Y0, Y4
	VINSERTI128 $1, X3, Y1, Y5
	VPERM2I128  $0x31, Y2, Y0, Y6
	VPERM2I128  $0x31, Y3, Y1, Y7
	VMOVDQU Y4, (DI)(DX*8)
	VMOVDQU Y5, (R10)(DX*8)
	VMOVDQU Y6, (R11)(DX*8)
	VMOVDQU Y7, (R15)(DX*8)
	ADDQ $4, DX
	DECQ CX
	JNZ  four

end:
	MOVQ DX, done+48(FP)
	VZEROUPPER
	RET

// func intsAVX2(out *int32, cells *Cell, width, n int, data *byte, size int) (done int)
TEXT ·intsAVX2(SB), NOSPLIT, $0-56
	START
	LAST(8, Y14)
	VPXOR Y15, Y15, Y15

four:
	WORDS(CELLS, ENDS)
	DIGITS
	MINUS
	NARROW(X6, Y6)
	VMOVDQU X6, (DI)
	NEXT(16)

end:
	MOVQ DX, done+48(FP)
	VZEROUPPER
	RET

// func decimalsAVX2(out *int64, cells *Cell, width, n int, data *byte, size int, powers *[8]uint32, most int64) (done int)
TEXT ·decimalsAVX2(SB), NOSPLIT, $0-72
	START
	LAST(8, Y14)
	MOVQ powers+48(FP), BX
	VMOVDQU (BX), Y10
	VPBROADCASTQ most+56(FP), Y11
	VPXOR Y15, Y15, Y15

four:
	WORDS(CELLS, ENDS)
	POINT
	DIGITS
	SCALE
	VPMULUDQ Y7, Y6, Y6
	VPCMPGTQ Y11, Y6, Y1
	VPOR     Y1, Y3, Y3
	VPTEST   Y3, Y3
	JNZ      end
	MINUS
	VMOVDQU  Y6, (DI)
	NEXT(32)

end:
	MOVQ DX, done+64(FP)
	VZEROUPPER
	RET

// func doublesAVX2(out *float64, cells *Cell, width, n int, data *byte, size int, powers *[8]uint32) (done int)
TEXT ·doublesAVX2(SB), NOSPLIT, $0-64
	START
	LAST(8, Y14)
	MOVQ powers+48(FP), BX
	VMOVDQU (BX), Y10
	VPXOR Y15, Y15, Y15

four:
	WORDS(CELLS, ENDS)
	POINT
	DIGITS
	SCALE
	VPTEST Y3, Y3
	JNZ    end
	NARROW(X6, Y6)
	NARROW(X7, Y7)
	VCVTDQ2PD X6, Y6
	VCVTDQ2PD X7, Y7
	VDIVPD    Y7, Y6, Y6
	VPCMPEQQ  Y15, Y5, Y5
	VPANDN    sign, Y5, Y5
	VPXOR     Y5, Y6, Y6
	VMOVDQU   Y6, (DI)
	NEXT(32)

end:
	MOVQ DX, done+56(FP)
	VZEROUPPER
	RET

// func datesAVX2(out *int32, cells *Cell, width, n int, data *byte, size int) (done int)
TEXT ·datesAVX2(SB), NOSPLIT, $0-56
	START
	LAST(16, Y9)
	VMOVDQU lower, Y10
	VMOVDQU higher, Y11
	VMOVDQU monthDays, Y12
	VMOVDQU marchLow, Y13
	VMOVDQU marchHigh, Y14
	VPXOR   Y15, Y15, Y15

four:
	CELLS
	LENGTHS
	VPCMPEQD  ten, Y2, Y3
	VPOR      upper, Y3, Y3
	VPSUBD    sixteen, Y1, Y4
	VPMINUD   Y9, Y4, Y5
	VPCMPEQD  Y4, Y5, Y4
	VPAND     Y3, Y4, Y4
	VPMOVMSKB Y4, AX
	CMPL      AX, $-1
	JNE       end
	ENDS
	UNQUOTED
	VMOVDQU     (R8)(AX*1), X0
	VINSERTI128 $1, (R8)(R12*1), Y0, Y0
	VMOVDQU     (R8)(BX*1), X1
	VINSERTI128 $1, (R8)(R13*1), Y1, Y1

	// Y0 eight digits each
	VPCMPEQB  dashes, Y0, Y2
	VPCMPEQB  dashes, Y1, Y3
	VPAND     Y2, Y3, Y2
	VPOR      notDashes, Y2, Y2
	VPSHUFB   Y10, Y0, Y0
	VPSHUFB   Y11, Y1, Y1
	VPOR      Y1, Y0, Y0
	VPSUBB    zeros, Y0, Y0
	VPMINUB   nines, Y0, Y3
	VPCMPEQB  Y0, Y3, Y3
	VPAND     Y2, Y3, Y3
	VPMOVMSKB Y3, AX
	CMPL      AX, $-1
	JNE       end

	// Y1 years, Y2 days, Y3 months
	VMOVDQU    tens, Y1
	VPMADDUBSW Y1, Y0, Y0
	VPMADDWD   century, Y0, Y1
	VPSRLQ     $48, Y0, Y2
	VPSLLQ     $16, Y0, Y3
	VPSRLQ     $48, Y3, Y3
	VPSHUFB    Y3, Y12, Y4
	VPCMPGTD   Y4, Y2, Y4
	VPCMPGTD   twelve, Y3, Y5
	VPOR       Y4, Y5, Y4
	VPCMPEQQ   Y15, Y1, Y5
	VPCMPEQQ   Y15, Y2, Y6
	VPOR       Y4, Y5, Y4
	VPOR       Y4, Y6, Y4
	VPTEST     Y4, Y4
	JNZ        end

	// years begin in March
	VPCMPGTQ two, Y3, Y5
	VPCMPEQD Y6, Y6, Y6
	VPADDQ   Y6, Y1, Y1
	VPSUBQ   Y5, Y1, Y1
	VPMULUDQ yearDays, Y1, Y6
	VPADDQ   Y2, Y6, Y6
	VPSRLQ   $2, Y1, Y7
	VPADDQ   Y7, Y6, Y6
	VPMULUDQ perCentury, Y1, Y7
	VPSRLQ   $19, Y7, Y7
	VPSUBQ   Y7, Y6, Y6
	VPSRLQ   $2, Y7, Y7
	VPADDQ   Y7, Y6, Y6
	VPSHUFB  Y3, Y13, Y7
	VPADDQ   Y7, Y6, Y6
	VPSHUFB  Y3, Y14, Y7
	VPSLLQ   $8, Y7, Y7
	VPADDQ   Y7, Y6, Y6
	VPSUBQ   epoch, Y6, Y6
	NARROW(X6, Y6)
	VMOVDQU  X6, (DI)
	NEXT(16)

end:
	MOVQ DX, done+48(FP)
	VZEROUPPER
	RET

// func stringsAVX2(out *byte, ends *uint32, n int, cells *Cell, width int, data *byte, s *stringShape) (done int)
TEXT ·stringsAVX2(SB), NOSPLIT, $0-64
	MOVQ out+0(FP), DI
	MOVQ ends+8(FP), DX
	MOVQ n+16(FP), CX
	MOVQ cells+24(FP), SI
	MOVQ width+32(FP), R9
	MOVQ data+40(FP), R8
	MOVQ s+48(FP), BX
	MOVL 0(BX), R10  // bare
	MOVL 4(BX), R11  // last
	MOVL 8(BX), R12  // lastOut
	MOVL 12(BX), R13 // at

text:
	MOVL (SI), AX
	MOVL 4(SI), BX
	BTRL $31, BX
	SBBL R15, R15      // ones if it is quoted
	SUBL AX, BX        // length
	CMPL BX, $128
	JA   end
	CMPL AX, R11
	JA   end
	CMPL R13, R12
	JA   end
	ORL  R10, R15
	JZ   end
	ADDQ R8, AX
	LEAQ (DI)(R13*1), R15
	ADDL BX, R13
	MOVL R13, (DX)
	VMOVDQU (AX), Y0
	VMOVDQU Y0, (R15)
	CMPL BX, $32
	JBE  next
	VMOVDQU 32(AX), Y1
	VMOVDQU 64(AX), Y2
	VMOVDQU 96(AX), Y3
	VMOVDQU Y1, 32(R15)
	VMOVDQU Y2, 64(R15)
	VMOVDQU Y3, 96(R15)

next:
	ADDQ $4, DX
	LEAQ (SI)(R9*8), SI
	DECQ CX
	JNZ  text

end:
	SUBQ ends+8(FP), DX
	SHRQ $2, DX
	MOVQ DX, done+56(FP)
	VZEROUPPER
	RET
