#include "textflag.h"

// The constants in ·lanes.
#define unquoted ·lanes+0(SB)
#define eight ·lanes+32(SB)
#define wordBits ·lanes+64(SB)
#define minus ·lanes+96(SB)
#define notLast ·lanes+128(SB)
#define zeros ·lanes+160(SB)
#define nines ·lanes+192(SB)
#define tens ·lanes+224(SB)
#define hundreds ·lanes+256(SB)
#define tenThousand ·lanes+288(SB)
#define upper ·lanes+320(SB)
#define sixteen ·lanes+352(SB)
#define ten ·lanes+384(SB)
#define century ·lanes+416(SB)
#define twelve ·lanes+448(SB)
#define two ·lanes+480(SB)
#define yearDays ·lanes+512(SB)
#define perCentury ·lanes+544(SB)
#define epoch ·lanes+576(SB)
#define dashes ·lanes+608(SB)
#define notDashes ·lanes+640(SB)
#define lower ·lanes+672(SB)
#define higher ·lanes+704(SB)
#define monthDays ·lanes+736(SB)
#define marchLow ·lanes+768(SB)
#define marchHigh ·lanes+800(SB)

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

// CELLS loads four cells: Y1 are their ends, the lower halves of Y2 their lengths.
#define CELLS \
	VMOVQ       (SI), X0                 \
	VPINSRQ     $1, (SI)(R9*1), X0, X0   \
	VMOVQ       (SI)(R9*2), X1           \
	VPINSRQ     $1, (SI)(R11*1), X1, X1  \
	VINSERTI128 $1, X1, Y0, Y0           \
	VPSRLQ      $32, Y0, Y1              \
	VPAND       unquoted, Y1, Y1         \
	VPSUBD      Y0, Y1, Y2

// ENDS loads the four ends into registers.
#define ENDS \
	MOVL 4(SI), AX            \
	MOVL 4(SI)(R9*1), BX      \
	MOVL 4(SI)(R9*2), R12     \
	MOVL 4(SI)(R11*1), R13    \
	ANDL $0x7FFFFFFF, AX      \
	ANDL $0x7FFFFFFF, BX      \
	ANDL $0x7FFFFFFF, R12     \
	ANDL $0x7FFFFFFF, R13

// SHAPE loads a numberShape.
#define SHAPE \
	MOVQ s+40(FP), BX          \
	VPBROADCASTQ (BX), Y8      \
	VPBROADCASTQ 8(BX), Y9     \
	VPBROADCASTQ 16(BX), Y10   \
	VPBROADCASTQ 24(BX), Y11   \
	VPBROADCASTQ 32(BX), Y12   \
	VPBROADCASTQ 40(BX), Y13   \
	VPBROADCASTQ 48(BX), Y14   \
	VPXOR Y15, Y15, Y15        \
	SUBQ $8, R8

// NUMBERS makes Y6 the numbers of four cells.
#define NUMBERS \
	CELLS                      \
	VPSUBD    Y8, Y2, Y3       \
	VPMINUD   Y9, Y3, Y4       \
	VPCMPEQD  Y3, Y4, Y3       \
	VPSUBD    eight, Y1, Y4    \
	VPMINUD   Y10, Y4, Y5      \
	VPCMPEQD  Y4, Y5, Y4       \
	VPAND     Y3, Y4, Y4       \
	VPMOVMSKB Y4, AX           \
	CMPL      AX, $-1          \
	JNE       end              \
	ENDS                       \
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
	VPAND     Y3, Y6, Y6       \
	VPSLLQ    $8, Y6, Y7       \
	VPAND     Y12, Y7, Y7      \
	VPAND     Y11, Y6, Y6      \
	VPOR      Y7, Y6, Y6       \
	VPMINUB   nines, Y6, Y7    \
	VPCMPEQB  Y6, Y7, Y7       \
	VPCMPEQB  Y13, Y0, Y0      \
	VPOR      Y14, Y0, Y0      \
	VPAND     Y0, Y7, Y7       \
	VPMOVMSKB Y7, AX           \
	CMPL      AX, $-1          \
	JNE       end              \
	VMOVDQU    tens, Y0        \
	VPMADDUBSW Y0, Y6, Y6      \
	VPMADDWD   hundreds, Y6, Y6 \
	VPSRLQ     $32, Y6, Y7     \
	VPMULUDQ   tenThousand, Y6, Y6 \
	VPADDQ     Y7, Y6, Y6      \
	VPCMPEQQ   Y15, Y5, Y5     \
	VPSUBQ     Y6, Y15, Y7     \
	VPBLENDVB  Y5, Y6, Y7, Y6

// NEXT goes to the next four cells, or back to four.
#define NEXT(BYTES) \
	ADDQ $BYTES, DI        \
	LEAQ (SI)(R9*4), SI    \
	ADDQ $4, DX            \
	DECQ CX                \
	JNZ  four

// NARROW makes X6 the lower halves of Y6.
#define NARROW \
	VEXTRACTI128 $1, Y6, X7          \
	VSHUFPS      $0x88, X7, X6, X6

// func longsAVX2(out *int64, cells *Cell, width, n int, data *byte, s *numberShape) (done int)
TEXT ·longsAVX2(SB), NOSPLIT, $0-56
	START
	SHAPE

four:
	NUMBERS
	VMOVDQU Y6, (DI)
	NEXT(32)

end:
	MOVQ DX, done+48(FP)
	VZEROUPPER
	RET

// func intsAVX2(out *int32, cells *Cell, width, n int, data *byte, s *numberShape) (done int)
TEXT ·intsAVX2(SB), NOSPLIT, $0-56
	START
	SHAPE

four:
	NUMBERS
	NARROW
	VMOVDQU X6, (DI)
	NEXT(16)

end:
	MOVQ DX, done+48(FP)
	VZEROUPPER
	RET

// func datesAVX2(out *int32, cells *Cell, width, n int, data *byte, size int) (done int)
TEXT ·datesAVX2(SB), NOSPLIT, $0-56
	START
	MOVQ size+40(FP), BX
	SUBQ $16, BX
	SUBQ $16, R8
	VMOVQ BX, X9
	VPBROADCASTD X9, Y9       // where a text's 16 bytes may begin
	VPOR    upper, Y9, Y9
	VMOVDQU lower, Y10
	VMOVDQU higher, Y11
	VMOVDQU monthDays, Y12
	VMOVDQU marchLow, Y13
	VMOVDQU marchHigh, Y14
	VPXOR   Y15, Y15, Y15

four:
	CELLS
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
	NARROW
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

one:
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
	JNZ  one

end:
	SUBQ ends+8(FP), DX
	SHRQ $2, DX
	MOVQ DX, done+56(FP)
	VZEROUPPER
	RET
