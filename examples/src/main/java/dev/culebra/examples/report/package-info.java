/** The report: a run directory as one page with charts, written to a file or served live. */
package dev.culebra.examples.report;
