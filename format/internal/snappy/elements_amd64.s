#include "textflag.h"

// func elementsAVX2(dst, block []byte, op, ip int, tags *[256]uint64, patterns *[17]pattern) (opNow, ipNow int)
//
// SI is in the block, at a tag; R8 is where that may no longer be.
// DI is in dst; R9 is where that may no longer be, R10 is dst's front.
// AX is the tag, and then the next one; BX how far
// that is, CX where the element's bytes are, R12 how many they are, R13 how far back.
TEXT ·elementsAVX2(SB), NOSPLIT, $0-96
	MOVQ dst_base+0(FP), R10
	MOVQ dst_len+8(FP), R9
	LEAQ -96(R10)(R9*1), R9
	MOVQ block_base+24(FP), SI
	MOVQ block_len+32(FP), R8
	LEAQ -80(SI)(R8*1), R8
	MOVQ op+48(FP), DI
	ADDQ R10, DI
	ADDQ ip+56(FP), SI
	MOVQ tags+64(FP), R11
	MOVBLZX (SI), AX

element:
	MOVBLZX 1(R11)(AX*8), BX
	MOVBLZX (R11)(AX*8), R12
	MOVWLZX 2(R11)(AX*8), DX
	MOVL    1(SI), R13
	ANDL    4(R11)(AX*8), R13
	MOVL    AX, R15
	MOVBLZX (SI)(BX*1), AX
	ORL     DX, R13
	LEAQ    1(SI), R14
	MOVQ    DI, CX
	SUBQ    R13, CX
	CMPQ    CX, R10
	JB      done             // before dst's front
	TESTL   $3, R15
	CMOVQEQ R14, CX          // a literal's bytes are behind its tag
	CMPQ    R13, R12
	JB      again            // some of the bytes are made by this copy, or 0 back

	VMOVDQU (CX), Y0
	VMOVDQU Y0, (DI)
	CMPQ    R12, $32
	JA      longer

next:
	ADDQ R12, DI

behind:
	ADDQ BX, SI
	CMPQ SI, R8
	JAE  done
	CMPQ DI, R9
	JB   element

done:
	SUBQ R10, DI
	MOVQ DI, opNow+80(FP)
	SUBQ block_base+24(FP), SI
	MOVQ SI, ipNow+88(FP)
	VZEROUPPER
	RET

longer:
	VMOVDQU 32(CX), Y1
	VMOVDQU Y1, 32(DI)
	JMP     next

again:
	LEAQ  (DI)(R12*1), R14
	TESTL R13, R13
	JZ    special
	CMPL  R13, $16
	JA    pieces

	// a pattern of up to 16 bytes
	MOVQ    patterns+72(FP), DX
	SHLL    $5, R13
	VMOVDQU (CX), X0
	VPSHUFB (DX)(R13*1), X0, X0
	MOVQ    16(DX)(R13*1), DX

repeat:
	VMOVDQU X0, (DI)
	ADDQ    DX, DI
	CMPQ    DI, R14
	JB      repeat
	MOVQ    R14, DI
	JMP     behind

pieces:
	VMOVDQU (CX), X0
	VMOVDQU X0, (DI)
	ADDQ    $16, CX
	ADDQ    $16, DI
	CMPQ    DI, R14
	JB      pieces
	MOVQ    R14, DI
	JMP     behind

special:
	// literals whose length has one byte or two are copied here
	MOVBLZX (SI), AX
	CMPL    AX, $(60<<2)
	JEQ     one
	CMPL    AX, $(61<<2)
	JNE     done
	MOVWLZX 1(SI), R12
	LEAQ    3(SI), CX
	JMP     long

one:
	MOVBLZX 1(SI), R12
	LEAQ    2(SI), CX

long:
	INCQ R12
	LEAQ (CX)(R12*1), DX
	CMPQ DX, R8
	JAE  done
	LEAQ (DI)(R12*1), R14
	CMPQ R14, R9
	JAE  done
	MOVQ DX, SI

bytes:
	VMOVDQU (CX), Y0
	VMOVDQU 32(CX), Y1
	VMOVDQU Y0, (DI)
	VMOVDQU Y1, 32(DI)
	ADDQ    $64, CX
	ADDQ    $64, DI
	CMPQ    DI, R14
	JB      bytes
	MOVQ    R14, DI
	MOVBLZX (SI), AX
	JMP     element
