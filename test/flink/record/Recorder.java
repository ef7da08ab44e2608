import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import java.util.concurrent.*;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.*;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.runtime.minicluster.*;
import org.apache.flink.table.api.*;
import org.apache.flink.table.api.internal.TableResultInternal;
import org.apache.flink.table.data.RowData;
import org.apache.flink.util.CloseableIterator;

/**
 * Runs SQL programs in one Flink that lives in this process: starting a cluster costs more than all of a case.
 *
 * <p>A request is a line "run ID MODE", the program's statements, one a line with line breaks written \n, and a line "go". The
 * answer, written at once, is "begin ID", then a line "row KIND,CELLS" for each change that the last statement gave, or a line
 * "error CLASS: MESSAGE" for each exception of a chain, outermost first, and "end ID". Several programs run at a time.
 */
public class Recorder {
    static final Pattern SET = Pattern.compile("(?is)^\\s*SET\\s+'([^']+)'\\s*=\\s*'([^']*)'\\s*$");
    static final int SECONDS = 60; // that a program may take

    final PrintStream out;
    final MiniCluster cluster;
    final String host, port;

    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(new FileOutputStream(FileDescriptor.out), false, StandardCharsets.UTF_8);
        System.setOut(System.err); // what Flink prints is no answer
        Recorder recorder = new Recorder(out);
        ExecutorService programs = Executors.newFixedThreadPool(Integer.parseInt(args[0]));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null; ) {
            String[] head = line.split(" ");
            List<String> statements = new ArrayList<>();
            while (!(line = in.readLine()).equals("go")) statements.add(unescape(line));
            programs.submit(() -> recorder.answer(head[1], head[2], statements));
        }
        programs.shutdown();
        programs.awaitTermination(1, TimeUnit.HOURS);
        Runtime.getRuntime().halt(0); // threads of programs that were given up may live
    }

    Recorder(PrintStream out) throws Exception {
        this.out = out;
        Configuration c = new Configuration();
        c.setString("rest.address", "127.0.0.1");
        c.setString("rest.bind-address", "127.0.0.1");
        c.setString("rest.bind-port", "0");
        c.setString("taskmanager.memory.network.min", "64mb");
        c.setString("taskmanager.memory.network.max", "64mb");
        c.setString("taskmanager.memory.managed.size", "256mb");
        c.setString("restart-strategy.type", "none");
        cluster = new MiniCluster(new MiniClusterConfiguration.Builder()
            .setConfiguration(c).setNumTaskManagers(1).setNumSlotsPerTaskManager(8).build());
        cluster.start();
        java.net.URI address = cluster.getRestAddress().get();
        host = address.getHost();
        port = String.valueOf(address.getPort());
    }

    void answer(String id, String mode, List<String> statements) {
        String text;
        ExecutorService one = Executors.newSingleThreadExecutor(r -> {
            Thread t = new Thread(r);
            t.setDaemon(true);
            return t;
        });
        AtomicReference<JobClient> job = new AtomicReference<>();
        Future<String> run = one.submit(() -> run(mode, statements, job));
        try {
            text = run.get(SECONDS, TimeUnit.SECONDS);
        } catch (TimeoutException e) {
            run.cancel(true);
            if (job.get() != null) job.get().cancel(); // else it spins on, and keeps its slot
            text = "error Timeout: no end within " + SECONDS + " s\n";
        } catch (ExecutionException e) {
            text = chain(e.getCause());
        } catch (InterruptedException e) {
            text = chain(e);
        }
        one.shutdown();
        synchronized (out) {
            out.print("begin " + id + "\n" + text + "end " + id + "\n");
            out.flush();
        }
    }

    String run(String mode, List<String> statements, AtomicReference<JobClient> job) throws Exception {
        TableEnvironment env = TableEnvironment.create((mode.equals("batch")
            ? EnvironmentSettings.newInstance().inBatchMode()
            : EnvironmentSettings.newInstance().inStreamingMode()).withConfiguration(settings(statements)).build());
        for (String s : statements.subList(0, statements.size() - 1)) {
            if (SET.matcher(s).matches()) continue;
            TableResult r = env.executeSql(s);
            r.getJobClient().ifPresent(job::set);
            if (r.getJobClient().isPresent()) r.await(SECONDS, TimeUnit.SECONDS);
        }
        TableResultInternal query = (TableResultInternal) env.executeSql(statements.get(statements.size() - 1));
        query.getJobClient().ifPresent(job::set);
        return changes(query);
    }

    /** Settings are made before the first statement, so those of a deployment count too. */
    Configuration settings(List<String> statements) {
        Configuration c = new Configuration();
        c.setString("parallelism.default", "1");
        c.setString("table.exec.resource.default-parallelism", "1");
        c.setString("execution.target", "remote");
        c.setString("rest.address", host);
        c.setString("rest.port", port);
        c.setString("client.retry-period", "50ms");
        c.setString("restart-strategy.type", "none");
        c.setString("table.local-time-zone", "UTC");
        for (String s : statements) {
            Matcher m = SET.matcher(s);
            if (m.matches()) c.setString(m.group(1), m.group(2));
        }
        return c;
    }

    static String changes(TableResultInternal result) throws Exception {
        StringBuilder text = new StringBuilder();
        int columns = result.getResolvedSchema().getColumnCount();
        try (CloseableIterator<RowData> rows = result.collectInternal()) {
            while (rows.hasNext()) {
                RowData row = rows.next();
                String[] cells = result.getRowDataToStringConverter().convert(row);
                StringBuilder line = new StringBuilder(row.getRowKind().shortString());
                for (int i = 0; i < columns; i++) line.append(",").append(row.isNullAt(i) ? "" : quoted(cells[i]));
                text.append("row ").append(escape(line.toString())).append("\n");
            }
        }
        return text.toString();
    }

    static String quoted(String cell) {
        boolean plain = !cell.isEmpty() && cell.chars().noneMatch(c -> ",\"\r\n".indexOf(c) >= 0);
        return plain ? cell : "\"" + cell.replace("\"", "\"\"") + "\"";
    }

    static String chain(Throwable t) {
        StringBuilder text = new StringBuilder();
        Set<Throwable> seen = new HashSet<>();
        for (; t != null && seen.add(t); t = t.getCause()) {
            String message = t.getMessage() == null ? "" : t.getMessage();
            text.append("error ").append(t.getClass().getSimpleName()).append(": ").append(escape(message)).append("\n");
        }
        return text.toString();
    }

    static String escape(String s) {
        return s.replace("\\", "\\\\").replace("\r", "\\r").replace("\n", "\\n");
    }

    static String unescape(String s) {
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < s.length(); i++) {
            char c = s.charAt(i);
            if (c == '\\') {
                c = s.charAt(++i);
                c = c == 'n' ? '\n' : c == 'r' ? '\r' : c;
            }
            text.append(c);
        }
        return text.toString();
    }
}
