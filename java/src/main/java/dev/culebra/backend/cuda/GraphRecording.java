package dev.culebra.backend.cuda;

import dev.culebra.backend.Recording;
import dev.culebra.cuda.Graph;
import dev.culebra.cuda.Stream;

/**
 * Runs its work launch by launch the first time, so that modules get loaded and scratch memory gets
 * its size. The second time it captures a graph, which it launches from then on.
 */
final class GraphRecording implements Recording {
  private final Stream stream;
  private final Runnable work;
  private boolean warm;
  private Graph graph;

  GraphRecording(Stream stream, Runnable work) {
    this.stream = stream;
    this.work = work;
  }

  @Override
  public void replay() {
    if (!warm) {
      work.run();
      warm = true;
      return;
    }
    if (graph == null) {
      graph = stream.capture(work);
    }
    stream.launch(graph);
  }

  @Override
  public void close() {
    if (graph != null) {
      graph.close();
    }
  }
}
