#include "textflag.h"

// func scanAVX512(dst *Block, text *byte, n int, c Chars) (seen uint64)
TEXT ·scanAVX512(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ text+8(FP), SI
	MOVQ n+16(FP), CX
	VPBROADCASTB c_A+24(FP), Z1
	VPBROADCASTB c_B+25(FP), Z2
	VPBROADCASTB c_C+26(FP), Z3
	VPBROADCASTB c_Low+27(FP), Z4
	VPXORQ Z5, Z5, Z5

block512:
	VMOVDQU64 (SI), Z0
	VPCMPEQB  Z0, Z1, K1
	VPCMPEQB  Z0, Z2, K2
	VPCMPEQB  Z0, Z3, K3
	VPCMPUB   $2, Z4, Z0, K4 // at most
	VPORQ     Z0, Z5, Z5
	KMOVQ     K1, (DI)
	KMOVQ     K2, 8(DI)
	KMOVQ     K3, 16(DI)
	KMOVQ     K4, 24(DI)
	ADDQ      $64, SI
	ADDQ      $32, DI
	DECQ      CX
	JNZ       block512

	VPMOVB2M   Z5, K1
	KMOVQ      K1, AX
	MOVQ       AX, seen+32(FP)
	VZEROUPPER
	RET

// MARK marks the bytes of Y0 and Y1 that are those of CHAR at OFFSET.
#define MARK(CHAR, OFFSET) \
	VPCMPEQB  Y0, CHAR, Y6    \
	VPCMPEQB  Y1, CHAR, Y7    \
	VPMOVMSKB Y6, AX          \
	VPMOVMSKB Y7, BX          \
	MOVL      AX, OFFSET(DI)  \
	MOVL      BX, OFFSET+4(DI)

// func scanAVX2(dst *Block, text *byte, n int, c Chars) (seen uint64)
TEXT ·scanAVX2(SB), NOSPLIT, $0-40
	MOVQ dst+0(FP), DI
	MOVQ text+8(FP), SI
	MOVQ n+16(FP), CX
	VPBROADCASTB c_A+24(FP), Y2
	VPBROADCASTB c_B+25(FP), Y3
	VPBROADCASTB c_C+26(FP), Y4
	VPBROADCASTB c_Low+27(FP), Y5
	VPXOR Y8, Y8, Y8

block256:
	VMOVDQU (SI), Y0
	VMOVDQU 32(SI), Y1
	VPOR    Y0, Y8, Y8
	VPOR    Y1, Y8, Y8
	MARK(Y2, 0)
	MARK(Y3, 8)
	MARK(Y4, 16)

	// a byte is at most Low if it is the lesser of the two
	VPMINUB   Y0, Y5, Y6
	VPMINUB   Y1, Y5, Y7
	VPCMPEQB  Y0, Y6, Y6
	VPCMPEQB  Y1, Y7, Y7
	VPMOVMSKB Y6, AX
	VPMOVMSKB Y7, BX
	MOVL      AX, 24(DI)
	MOVL      BX, 28(DI)
	ADDQ      $64, SI
	ADDQ      $32, DI
	DECQ      CX
	JNZ       block256

	VPMOVMSKB  Y8, AX
	MOVQ       AX, seen+32(FP)
	VZEROUPPER
	RET

// func compress(dst, text *[64]byte, keep uint64)
TEXT ·compress(SB), NOSPLIT, $0-24
	MOVQ        dst+0(FP), DI
	MOVQ        text+8(FP), SI
	KMOVQ       keep+16(FP), K1
	VMOVDQU64   (SI), Z0
	VPCOMPRESSB.Z Z0, K1, Z0
	VMOVDQU64   Z0, (DI)
	VZEROUPPER
	RET
