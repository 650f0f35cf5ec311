// Images a second of onnxruntime-node (npm), its graph optimisations on, for side_by_side.py:
//
//     node side_by_side.js <model.onnx> <threads> <images> <batch> <extents of an image...>
//
// Prints, as JSON, the wall clock's images a second and CPU seconds an image. Images are random: what
// it computes does not depend on them.
const ort = require('onnxruntime-node');

async function main() {
    const [model, ...numbers] = process.argv.slice(2);
    const [threads, images, batch, ...extents] = numbers.map(Number);
    const session = await ort.InferenceSession.create(
        model, {intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all'});
    const volume = extents.reduce((a, b) => a * b, batch);
    const values = Float32Array.from({length: volume}, () => 2 * Math.random() - 1);
    const feed = {[session.inputNames[0]]: new ort.Tensor('float32', values, [batch, ...extents])};
    const run = async () => {
        const wall = process.hrtime.bigint(), cpu = process.cpuUsage();
        for (let done = 0; done < images; done += batch) await session.run(feed);
        const spent = process.cpuUsage(cpu);
        return {rate: images / (Number(process.hrtime.bigint() - wall) * 1e-9),
                cpu: (spent.user + spent.system) * 1e-6 / images};
    };
    await session.run(feed);
    console.log(JSON.stringify(await run()));
}

main().catch(error => { console.error(error.message); process.exit(1); });
