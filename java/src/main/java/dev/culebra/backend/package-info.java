/** What a device offers: memory and the operations of a GPT step. */
package dev.culebra.backend;
