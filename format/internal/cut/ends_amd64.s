#include "textflag.h"

// The numbers of 64 bytes.
DATA numbers<>+0(SB)/8, $0x0706050403020100
DATA numbers<>+8(SB)/8, $0x0F0E0D0C0B0A0908
DATA numbers<>+16(SB)/8, $0x1716151413121110
DATA numbers<>+24(SB)/8, $0x1F1E1D1C1B1A1918
DATA numbers<>+32(SB)/8, $0x2726252423222120
DATA numbers<>+40(SB)/8, $0x2F2E2D2C2B2A2928
DATA numbers<>+48(SB)/8, $0x3736353433323130
DATA numbers<>+56(SB)/8, $0x3F3E3D3C3B3A3938
GLOBL numbers<>(SB), RODATA|NOPTR, $64

// Where eight starts and eight ends lie in a vector of 16 starts and one of 16 ends.
DATA pairs<>+0(SB)/8, $0x0000001000000000
DATA pairs<>+8(SB)/8, $0x0000001100000001
DATA pairs<>+16(SB)/8, $0x0000001200000002
DATA pairs<>+24(SB)/8, $0x0000001300000003
DATA pairs<>+32(SB)/8, $0x0000001400000004
DATA pairs<>+40(SB)/8, $0x0000001500000005
DATA pairs<>+48(SB)/8, $0x0000001600000006
DATA pairs<>+56(SB)/8, $0x0000001700000007
DATA pairs<>+64(SB)/8, $0x0000001800000008
DATA pairs<>+72(SB)/8, $0x0000001900000009
DATA pairs<>+80(SB)/8, $0x0000001A0000000A
DATA pairs<>+88(SB)/8, $0x0000001B0000000B
DATA pairs<>+96(SB)/8, $0x0000001C0000000C
DATA pairs<>+104(SB)/8, $0x0000001D0000000D
DATA pairs<>+112(SB)/8, $0x0000001E0000000E
DATA pairs<>+120(SB)/8, $0x0000001F0000000F
GLOBL pairs<>(SB), RODATA|NOPTR, $128

// func appendVBMI2(out *Cell, masks *uint64, n int, start, base uint32)
TEXT ·appendVBMI2(SB), NOSPLIT, $0-32
	MOVQ out+0(FP), DI
	MOVQ masks+8(FP), SI
	MOVQ n+16(FP), CX
	MOVL start+24(FP), R10
	MOVL base+28(FP), R8
	VMOVDQU64 numbers<>(SB), Z1
	VMOVDQU64 pairs<>+0(SB), Z8
	VMOVDQU64 pairs<>+64(SB), Z9
	VPXORQ    Z2, Z2, Z2
	MOVL      $1, AX
	VPBROADCASTD AX, Z6

	// the last lane of Z12 is the end before, which the first start is behind
	DECL      R10
	VPBROADCASTD R10, Z12

mask:
	MOVQ  (SI), AX
	TESTQ AX, AX
	JZ    behind
	KMOVQ AX, K1
	VPCOMPRESSB.Z Z1, K1, Z3
	POPCNTQ AX, DX
	VPBROADCASTD R8, Z4

some:
	VPMOVZXBD X3, Z5
	VPADDD    Z4, Z5, Z5        // ends
	VALIGND   $15, Z12, Z5, Z7
	VPADDD    Z6, Z7, Z7        // starts, one behind the ends before
	VMOVDQA64 Z8, Z10
	VPERMI2D  Z5, Z7, Z10
	VMOVDQA64 Z9, Z11
	VPERMI2D  Z5, Z7, Z11
	VMOVDQU64 Z10, (DI)
	VMOVDQU64 Z11, 64(DI)
	CMPQ      DX, $16
	JLE       last
	VMOVDQA64 Z5, Z12
	VALIGNQ   $2, Z3, Z2, Z3    // the next 16 numbers
	ADDQ      $128, DI
	SUBQ      $16, DX
	JMP       some

last:
	LEAQ (DI)(DX*8), DI
	BSRQ AX, AX
	ADDL R8, AX
	VPBROADCASTD AX, Z12

behind:
	ADDL $64, R8
	ADDQ $8, SI
	DECQ CX
	JNZ  mask
	VZEROUPPER
	RET
