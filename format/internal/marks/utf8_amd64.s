#include "textflag.h"

// What is wrong with two bytes that follow each other is a bit that all three tables
// have: by the high four bits of the first byte, by its low four bits, and by the high
// four bits of the second one. Bits are: 0 too short, 1 too long, 2 overlong of three
// bytes, 3 too large, 4 surrogate, 5 overlong of two, 6 too large or overlong of four,
// 7 two that continue (which a third or fourth byte is, and no other).
DATA firstHigh<>+0(SB)/8, $0x0202020202020202
DATA firstHigh<>+8(SB)/8, $0x4915012180808080
GLOBL firstHigh<>(SB), RODATA|NOPTR, $16

DATA firstLow<>+0(SB)/8, $0xCBCBCB8B8383A3E7
DATA firstLow<>+8(SB)/8, $0xCBCBDBCBCBCBCBCB
GLOBL firstLow<>(SB), RODATA|NOPTR, $16

DATA secondHigh<>+0(SB)/8, $0x0101010101010101
DATA secondHigh<>+8(SB)/8, $0x01010101BABAAEE6
GLOBL secondHigh<>(SB), RODATA|NOPTR, $16

DATA nibble<>+0(SB)/1, $0x0F
GLOBL nibble<>(SB), RODATA|NOPTR, $1
DATA third<>+0(SB)/1, $0x60 // 0xE0 less 0x80: what remains of a byte that two must follow has the high bit
GLOBL third<>(SB), RODATA|NOPTR, $1
DATA fourth<>+0(SB)/1, $0x70 // the same of one that three must follow
GLOBL fourth<>(SB), RODATA|NOPTR, $1
DATA high<>+0(SB)/1, $0x80
GLOBL high<>(SB), RODATA|NOPTR, $1

// func utf8AVX2(text *byte, n int, before *[32]byte) (bad uint64)
TEXT ·utf8AVX2(SB), NOSPLIT, $0-32
	MOVQ text+0(FP), SI
	MOVQ n+8(FP), CX
	MOVQ before+16(FP), DI
	VBROADCASTI128 firstHigh<>(SB), Y1
	VBROADCASTI128 firstLow<>(SB), Y2
	VBROADCASTI128 secondHigh<>(SB), Y3
	VPBROADCASTB   nibble<>(SB), Y4
	VPBROADCASTB   third<>(SB), Y5
	VPBROADCASTB   fourth<>(SB), Y6
	VPBROADCASTB   high<>(SB), Y7
	VPXOR          Y8, Y8, Y8 // what is wrong
	VMOVDQU        (DI), Y9   // the bytes before

next:
	VMOVDQU   (SI), Y0
	ADDQ      $32, SI
	VPOR      Y0, Y9, Y10
	VPMOVMSKB Y10, AX
	TESTL     AX, AX
	JZ        ascii

	// the bytes one, two and three before each
	VPERM2I128 $0x21, Y0, Y9, Y10
	VPALIGNR   $15, Y10, Y0, Y11
	VPALIGNR   $14, Y10, Y0, Y12
	VPALIGNR   $13, Y10, Y0, Y13

	VPSRLW  $4, Y11, Y14
	VPAND   Y4, Y14, Y14
	VPSHUFB Y14, Y1, Y14
	VPAND   Y4, Y11, Y11
	VPSHUFB Y11, Y2, Y11
	VPAND   Y11, Y14, Y14
	VPSRLW  $4, Y0, Y15
	VPAND   Y4, Y15, Y15
	VPSHUFB Y15, Y3, Y15
	VPAND   Y15, Y14, Y14

	// third and fourth bytes must be, and only they may be, a second one that continues
	VPSUBUSB Y5, Y12, Y12
	VPSUBUSB Y6, Y13, Y13
	VPOR     Y12, Y13, Y13
	VPAND    Y7, Y13, Y13
	VPXOR    Y13, Y14, Y14
	VPOR     Y14, Y8, Y8

ascii:
	VMOVDQA Y0, Y9
	DECQ    CX
	JNZ     next

	VPTEST Y8, Y8
	SETNE  AX
	MOVBQZX AX, AX
	MOVQ   AX, bad+24(FP)
	VZEROUPPER
	RET
