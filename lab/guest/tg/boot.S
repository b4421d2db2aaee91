/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Entry of the test guest: 32-bit, no paging, as a Multiboot loader leaves it (Multiboot
 * specification 0.6.96, sections 3.1 and 3.2). QEMU's -kernel is one.
 */

        .set    MAGIC, 0x1BADB002
        .set    FLAGS, 0x3              /* modules on pages, memory information */
        .set    CODE, 0x08
        .set    DATA, 0x10

        .section .multiboot, "a"
        .align  4
        .long   MAGIC, FLAGS, -(MAGIC + FLAGS)

        .text
        .globl  start
start:
        mov     $stack_top, %esp
        push    %ebx                    /* what the loader tells */
        push    %eax                    /* its magic number */
        lgdt    gdt_pointer
        ljmp    $CODE, $1f
1:      mov     $DATA, %ax
        mov     %ax, %ds
        mov     %ax, %es
        mov     %ax, %ss
        call    guest_main
2:      cli
        hlt
        jmp     2b

        .align  8
gdt:    .quad   0
        .quad   0x00cf9a000000ffff      /* code, 4 GB */
        .quad   0x00cf92000000ffff      /* data, 4 GB */
gdt_pointer:
        .word   gdt_pointer - gdt - 1
        .long   gdt

/* One stub of 16 bytes for each vector: irq.c finds them by their number. */
        .align  16
        .globl  irq_stubs
irq_stubs:
        .set    vector, 0
        .rept   256
        .align  16
        pushal
        push    $vector
        jmp     irq_common
        .set    vector, vector + 1
        .endr

irq_common:
        cld
        call    irq_handle
        add     $4, %esp
        popal
        iret

        .bss
        .align  16
        .skip   16384
stack_top:

        .section .note.GNU-stack, "", @progbits
